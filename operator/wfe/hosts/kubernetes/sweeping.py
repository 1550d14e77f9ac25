"""What is deleted after a while: instances that have ended, events, definitions that nothing uses any more.

How long an instance is kept is said by itself, by its workflow, or by the settings. Those that end here are remembered
by their time. All others are found by looking through what has ended, page by page; of several replicas one does that.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any, Final

import structlog

from wfe.definition import model_from_source
from wfe.errors import Permanent, WfeError
from wfe.expr.duration import parse_duration
from wfe.expr.errors import ExpressionError
from wfe.hosts.kubernetes.reconcile import text_of
from wfe.hosts.kubernetes.rooms import Rooms
from wfe.kube import ApiConflict, Client
from wfe.kube.resource import CONTROLLER_REVISIONS
from wfe.model.instance import WorkflowRef
from wfe.providers.customresource import INSTANCES
from wfe.providers.customresource.names import DEFINITION, ROLE, WORKFLOWS

log: Any = structlog.get_logger(__name__)
LOOK_EVERY: Final = timedelta(minutes=30)
TIDY_EVERY: Final = timedelta(minutes=10)
LONGEST_SLEEP: Final = 60.0
FIRST_AGAIN: Final = 5.0
UNCOPIED_AGAIN: Final = timedelta(seconds=30)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Ended:
    """As much of an instance that has ended as its time depends on."""

    namespace: str
    name: str
    uid: str
    phase: str
    finished_at: str
    ttl: Any
    digest: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Ended | None":
        """Read an object; None if it goes with another, or has not ended."""
        metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
        if spec.get("parent") or not text_of(status, "finishedAt"):
            return None
        return cls(
            metadata["namespace"],
            metadata["name"],
            metadata["uid"],
            text_of(status, "phase"),
            text_of(status, "finishedAt"),
            spec.get("ttlAfterFinished"),
            text_of(status.get("workflow"), "digest"),
        )


def due_at(ended: Ended, retention: Mapping[str, Any], default: Any) -> datetime | None:
    """Return when an instance is to be deleted; None if its times make no sense."""
    try:
        finished = datetime.fromisoformat(ended.finished_at)
    except ValueError:
        return None
    for life in (ended.ttl, retention.get(ended.phase.lower()), default):
        try:
            return finished + parse_duration(life)
        except ExpressionError:
            continue  # nobody said anything here, or nothing that makes sense
    return None


async def _always(_namespace: str, _name: str, _uid: str) -> bool:
    return True


@dataclass(slots=True)
class Sweeper:
    """Deletes what is over.

    Attributes:
        is_first: whether this replica looks for what others have left.
        is_copied: tells, by namespace, name and uid, whether all of an instance is where it is to outlive its object;
            until then it stays.
    """

    client: Client
    rooms: Rooms
    namespaces: Sequence[str]
    default_life: Any
    event_life: timedelta
    definition_life: timedelta
    is_first: Callable[[], bool]
    is_copied: Callable[[str, str, str], Awaitable[bool]] = _always
    _due: list[tuple[datetime, str, str, str, bool]] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _kept: set[str] = field(default_factory=set)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, ended: Ended, retention: Mapping[str, Any]) -> None:
        """Remember when an instance is due."""
        due = due_at(ended, retention, self.default_life)
        if due is not None and ended.uid not in self._known:
            self._known.add(ended.uid)
            # One that never began has no workflow, and nothing that could be copied.
            heappush(self._due, (due, ended.namespace, ended.name, ended.uid, bool(ended.digest)))
            self._stirred.set()

    async def run(self) -> None:
        """Sweep, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._delete_due(), name="delete what is due")
            group.create_task(self._look_around(), name="look for what has ended")
            group.create_task(_repeatedly(self.tidy, TIDY_EVERY), name="tidy")

    # -- instances ---------------------------------------------------------------------------------------------

    async def _delete_due(self) -> None:
        while True:
            self._stirred.clear()
            now = self.client.now()
            while self._due and self._due[0][0] <= now:
                _, namespace, name, uid, has_begun = heappop(self._due)
                if has_begun and not await self._may_go(namespace, name, uid):
                    self._keep(now + UNCOPIED_AGAIN, namespace, name, uid)
                    continue
                self._known.discard(uid)
                self._kept.discard(uid)
                await _carefully(lambda: self._delete(namespace, name, uid))  # noqa: B023 - awaited at once
            left = (self._due[0][0] - now).total_seconds() if self._due else LONGEST_SLEEP
            try:
                async with asyncio.timeout(min(LONGEST_SLEEP, max(0.0, left))):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    async def _may_go(self, namespace: str, name: str, uid: str) -> bool:
        try:
            return await self.is_copied(namespace, name, uid)
        except WfeError:
            return False  # whoever cannot be asked has said why elsewhere

    def _keep(self, until: datetime, namespace: str, name: str, uid: str) -> None:
        if not self._kept:
            log.warning(
                "instances are kept past their time until their copies are whole",
                namespace=namespace,
                instance=name,
            )
        self._kept.add(uid)
        heappush(self._due, (until, namespace, name, uid, True))

    @property
    def kept(self) -> int:
        """How many instances are kept past their time, since not all of them is copied yet."""
        return len(self._kept)

    async def _delete(self, namespace: str, name: str, uid: str) -> None:
        try:
            await self.client.delete(INSTANCES, name, namespace, uid=uid, propagation="Background")
        except ApiConflict:
            return  # another object has the name by now
        log.info("instance deleted after its time", namespace=namespace, instance=name)

    async def _look_around(self) -> None:
        while True:
            while not self.is_first():  # noqa: ASYNC110 - it may become so at any time
                await asyncio.sleep(FIRST_AGAIN)
            await _carefully(self.look)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Find what has ended, and when it is due."""
        for namespace in self.namespaces or (None,):
            async for body in self.client.list(INSTANCES, namespace, fields="status.active=false"):
                ended = Ended.of(body)
                if ended is not None:
                    self.note(ended, await self.retention(ended))

    async def retention(self, ended: Ended) -> Mapping[str, Any]:
        """Return what the workflow of an instance says of its time."""
        if parse_or_none(ended.ttl) is not None or not ended.digest:
            return {}
        room = await self.rooms.enter(ended.namespace)
        try:
            graph = await room.runtime.definitions.pinned(WorkflowRef("", 0, ended.digest))
            found = model_from_source(graph.source).retention
        except Permanent:
            return {}
        return found.model_dump() if found is not None else {}

    # -- events and definitions --------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Delete events and definitions whose time is over."""
        now = self.client.now()
        for room in self.rooms.all():
            await _carefully(lambda: room.store.expire_events(before=now - self.event_life))  # noqa: B023
        for namespace in (self.namespaces or (None,)) if self.is_first() else ():
            await self._sweep_definitions(namespace, now)
        await self.rooms.drop_empty()

    async def _sweep_definitions(self, namespace: str | None, now: datetime) -> None:
        old: dict[str, list[Mapping[str, Any]]] = {}
        selector = f"{ROLE}=definition"
        async for body in self.client.list(
            CONTROLLER_REVISIONS, namespace, labels=selector, metadata_only=True
        ):
            metadata = body["metadata"]
            created = datetime.fromisoformat(metadata["creationTimestamp"])
            if now - created > self.definition_life:
                old.setdefault(metadata["namespace"], []).append(metadata)
        for where, revisions in old.items():
            used = await self._in_use(where)
            for metadata in unused(revisions, used):
                await self.client.delete(CONTROLLER_REVISIONS, metadata["name"], where, uid=metadata["uid"])
                log.info("definition deleted", namespace=where, definition=metadata["name"])

    async def _in_use(self, namespace: str) -> set[str]:
        """Return the digests that an instance of the namespace names, or that a Workflow there is at."""
        used: set[str] = set()
        async for body in self.client.list(INSTANCES, namespace):
            status = body.get("status") or {}
            used |= digests_in(
                text_of(status.get("workflow"), "digest"), text_of(status.get("engine"), "head")
            )
        async for body in self.client.list(WORKFLOWS, namespace):
            used |= digests_in(text_of(body.get("status"), "digest"))
        room = self.rooms.get(namespace)
        if room is not None:
            used |= {graph.workflow.digest for graph in room.runtime.definitions.registered()}
        return used


def digests_in(*texts: str) -> set[str]:
    """Return everything in these texts that may be a digest: rather one too many than one too few."""
    return {found for text in texts for found in _DIGEST.findall(text)}


def unused(revisions: Iterable[Mapping[str, Any]], used: set[str]) -> Iterable[Mapping[str, Any]]:
    """Yield the metadata of the definitions that nothing uses."""
    short = {digest[:40] for digest in used}
    for metadata in revisions:
        if metadata.get("labels", {}).get(DEFINITION) not in short:
            yield metadata


def parse_or_none(value: Any) -> timedelta | None:
    """Return a duration, or None for what is none."""
    try:
        return parse_duration(value)
    except ExpressionError:
        return None


async def _carefully(call: Callable[[], Awaitable[Any]]) -> None:
    try:
        await call()
    except WfeError as error:
        log.warning("sweeping failed, and is tried again later", error=str(error))


async def _repeatedly(call: Callable[[], Awaitable[None]], every: timedelta) -> None:
    while True:
        await _carefully(call)
        await asyncio.sleep(every.total_seconds())
