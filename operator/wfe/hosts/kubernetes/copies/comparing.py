"""Finds what the history lacks, by comparing revisions with the objects in the cluster, and has all of that put.

That is done at the start, after each time in which the mirror was away, and now and then. It finds what ended or
stopped changing while nobody could be told; what changes is put whole by itself (`history`).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from wfe.hosts.kubernetes.copies.history import History
from wfe.hosts.kubernetes.copies.pending import Source
from wfe.hosts.kubernetes.observing import root_of
from wfe.hosts.kubernetes.shards import Share, is_first
from wfe.kube import ApiNotFound, Client, Informer
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.ports.mirror import Change
from wfe.providers.customresource import (
    INSTANCES,
    CustomResourceStore,
    EventObject,
    InstanceObject,
    event_in,
    instance_object,
)
from wfe.providers.customresource.names import ROOT, label

LOOK_EVERY: Final = timedelta(minutes=10)
PAGE: Final = 200
# More are not named at once; the rest waits where it is.
MOST_ON_THEIR_WAY: Final = 1000
# How long the last write to an instance waits for the history; nothing but its condition depends on the answer.
ACKNOWLEDGED_WITHIN: Final = timedelta(seconds=2)
PAUSE_SECONDS: Final = 0.5
ENDED: Final = "status.active=false"


@dataclass(slots=True)
class Wholes:
    """Reads whole instances from their objects, without the rooms in which they are worked on."""

    client: Client
    _stores: dict[str, CustomResourceStore] = field(default_factory=dict)

    async def __call__(self, source: Source) -> Change | None:
        """Return the instance of an object with all of its visits that have ended; None if there is none.

        Raises:
            WfeError: it cannot be read, now or at all.
        """
        store = self._stores.setdefault(source.namespace, CustomResourceStore(self.client, source.namespace))
        found = await store.whole(source.name)
        return found and Change(namespace=source.namespace, instance=found[0], records=found[1])


@dataclass(frozen=True, slots=True)
class Comparing:
    """Compares the objects that this process sees with the history.

    Attributes:
        instances: what is active.
        events: what was published and has not expired.
        namespaces: those to look for what has ended in; none named is all.
        share: whose instances are compared here; other replicas compare theirs.
    """

    client: Client
    namespaces: Sequence[str]
    instances: Informer[InstanceObject]
    events: Informer[EventObject]
    history: History
    share: Share

    def hears(self, namespace: str) -> Callable[[str, Decision], None]:
        """Return what is told of the saves of that namespace, with the names of objects."""
        return lambda name, decision: self.history.saved(Source(namespace, name), decision)

    async def is_mirrored(self, instance: Instance) -> bool:
        """Wait a moment for the last revision of an instance to arrive; False if it has not."""
        return await self.history.has(instance.id, instance.revision, within=ACKNOWLEDGED_WITHIN)

    async def run(self) -> None:
        """Send and compare, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.history.run(), name="send history")
            group.create_task(self._run(), name="compare history")

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await self.history.came_back.wait()
            except TimeoutError:
                pass
            self.history.came_back.clear()
            await self.history.comparing.persistently(self.look)

    async def look(self) -> None:
        """Compare everything.

        Raises:
            WfeError: not now.
        """
        await self._compare([one for one in self.instances.values() if self._is_ours(one)])
        for number, event in enumerate(list(self.events.values())):
            if number % PAGE == 0:
                await self._room()
            self.tell(event)
        for namespace in self.namespaces or (None,):
            page: list[InstanceObject] = []
            async for body in self.client.list(INSTANCES, namespace, fields=ENDED):
                found = instance_object(body)
                if self._is_ours(found):
                    page.append(found)
                if len(page) >= PAGE:
                    await self._compare(page)
                    page = []
            await self._compare(page)

    def tell(self, found: EventObject) -> None:
        """Put an event, if that object is one; one replica does."""
        event: Event | None = event_in(found) if is_first(self.share) else None
        if event is not None:
            self.history.published(found.metadata.namespace, event)

    async def has_tree(self, namespace: str, name: str, uid: str) -> bool:
        """Tell whether the history has all of an instance and of those that go with its object.

        Raises:
            WfeError: nobody can tell now.
        """
        try:
            root = instance_object(await self.client.get(INSTANCES, name, namespace))
        except ApiNotFound:
            return True
        if root.metadata.uid != uid:
            return True  # it is gone, and another has its name
        mine = f"{ROOT}={label(root.id)}"
        tree = [instance_object(one) async for one in self.client.list(INSTANCES, namespace, labels=mine)]
        missing = await self._missing([root, *tree])
        for one in missing:
            self._adopt(one)
        return not missing

    def _is_ours(self, found: InstanceObject) -> bool:
        return self.share.works(root_of(found))

    async def _compare(self, found: Sequence[InstanceObject]) -> None:
        for start in range(0, len(found), PAGE):
            await self._room()
            for one in await self._missing(found[start : start + PAGE]):
                self._adopt(one)

    async def _room(self) -> None:
        while self.history.crowd >= MOST_ON_THEIR_WAY:  # noqa: ASYNC110 - nobody tells of each that arrives
            await asyncio.sleep(PAUSE_SECONDS)

    async def _missing(self, found: Iterable[InstanceObject]) -> Sequence[InstanceObject]:
        before = self.history.purged_before
        begun = {one.id: one for one in found if one.status.engine is not None and not _ended(one, before)}
        revisions = {
            one.id: one.status.engine.revision for one in begun.values() if one.status.engine is not None
        }
        return [begun[one] for one in await self.history.lacks(revisions)]

    def _adopt(self, found: InstanceObject) -> None:
        self.history.adopt(found.id, Source(found.metadata.namespace, found.metadata.name))


def _ended(found: InstanceObject, before: datetime | None) -> bool:
    """Whether an instance ended so long ago that the history keeps nothing of it any more."""
    finished = found.status.finished_at
    if before is None or not isinstance(finished, str):
        return False
    try:
        return datetime.fromisoformat(finished) < before
    except (ValueError, TypeError):
        return False
