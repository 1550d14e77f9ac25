"""Carries out what `reconcile` says there is to do about an instance object.

It is called with the key of an object that changed, by one worker at a time for each key. What takes long is done
in a task of its own, so that no instance can keep others from being looked at.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, assert_never

import structlog

from wfe.errors import Permanent, Retryable, WfeError
from wfe.hosts.kubernetes.beginnings import Beginnings, Refused
from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.hosts.kubernetes.notices import Kind, Notice, Notices, Subject
from wfe.hosts.kubernetes.observing import root_of, seen_of
from wfe.hosts.kubernetes.reconcile import (
    FORGED,
    Action,
    Begin,
    Finish,
    Hold,
    LetGo,
    NeverBegin,
    Reads,
    Recover,
    Tell,
    count_of,
    phase_of,
    reconcile,
    text_of,
)
from wfe.hosts.kubernetes.rooms import Room, Rooms
from wfe.hosts.kubernetes.shards import Share
from wfe.kube import ApiNotFound, Client, Informer, WorkQueue
from wfe.model.instance import Instance
from wfe.providers.customresource import INSTANCES, InstanceObject, ObjectGone

log: Any = structlog.get_logger(__name__)
Key = tuple[str, str]
SOON: Final = 5.0
LATER: Final = 60.0
LONGEST_PAUSE: Final = 60.0
NOT_YET: Final = "NotYet"


@dataclass(slots=True)
class Carrier:
    """Looks at instance objects.

    Attributes:
        share: whose instances are worked here; other replicas look at the rest.
        finished: told of each instance for which nothing is left to do.
        is_mirrored: tells, soon, whether the history has all of an instance that has ended; None without a history.
    """

    client: Client
    instances: Informer[InstanceObject]
    queue: WorkQueue[Key]
    rooms: Rooms
    beginnings: Beginnings
    homes: TreeHomes
    notices: Notices
    share: Share
    finished: Callable[[InstanceObject], None] = lambda _: None
    is_mirrored: Callable[[Instance], Awaitable[bool]] | None = None

    async def look(self, key: Key) -> float | None:
        """Do what there is to do about an object; return when to come again, if nothing happens before."""
        found = self.instances.get(*key)
        if found is None:
            room = self.rooms.get(key[0])
            if room is not None:
                await self._gone(room, key[1])
            return None
        return await self._look(found) if self.share.works(root_of(found)) else None

    async def _look(self, found: InstanceObject) -> float | None:
        key = (found.metadata.namespace, found.metadata.name)
        room = await self.rooms.enter(key[0])
        if room.ids.get(key[1]) not in {None, found.id}:
            # It was deleted and made anew, and nobody saw that it was gone.
            await self._gone(room, key[1])
        seen = seen_of(found, room, self.instances)
        if seen.is_begun:
            self._note(room, found)
        again = None
        for action in reconcile(seen):
            again = await self._carry(room, found, action)
        self._wake_children(room, found.id)
        if seen.is_begun and seen.phase.is_final and seen.parent in {Reads.WAITS, Reads.UNKNOWN}:
            # When its parent has changed, it may have been read.
            room.awaited.setdefault(text_of(found.spec.parent, "id"), set()).add(key[1])
        if seen.parent is Reads.UNKNOWN:
            return SOON
        return again

    def _note(self, room: Room, found: InstanceObject) -> None:
        name = found.metadata.name
        room.ids[name] = found.id
        room.refused.pop(name, None)
        if room.runtime.is_driving(found.id):
            resumed = room.resumed.get(found.id, count_of(found.status.resumes))
            room.store.observe(found.id, generation=found.metadata.generation, resumes=resumed)

    async def _carry(self, room: Room, found: InstanceObject, action: Action) -> float | None:
        match action:
            case Begin():
                return await self._begin(room, found)
            case Hold() | NeverBegin():
                await self._not_begin(room, found, action)
            case Recover():
                await self._recover(room, found)
            case Tell():
                self._tell(room, found, action)
            case Finish():
                self._finish(room, found)
            case LetGo():
                room.runtime.drop(found.id)
            case _:
                assert_never(action)
        return None

    # -- beginning ---------------------------------------------------------------------------------------------

    async def _begin(self, room: Room, found: InstanceObject) -> float | None:
        name = found.metadata.name
        room.ids[name] = found.metadata.uid
        try:
            note = await self.beginnings.begin(room, found)
        except ObjectGone:
            return None  # the news of that is under way
        except Refused as refused:
            await self._hold(room, found, refused.reason, refused.message)
            self.post(room, found, "Warning", refused.reason, refused.message)
            # What others may mend without a change of a Workflow is tried again by itself.
            return None if refused.is_about_workflow else LATER
        except Retryable as error:
            await self._hold(room, found, NOT_YET, str(error))
            self.post(room, found, "Warning", NOT_YET, str(error))
            return SOON
        room.refused.pop(name, None)
        if note:
            self.post(room, found, "Warning", "FilesNotCarried", note)
        return None

    async def _not_begin(self, room: Room, found: InstanceObject, action: Hold | NeverBegin) -> None:
        match action:
            case NeverBegin():
                await self._end_unbegun(room, found)
            case Hold(reason=reason, message=message):
                await self._hold(room, found, reason, message)
                if action == FORGED:
                    self.post(room, found, "Warning", reason, message)

    async def _hold(self, room: Room, found: InstanceObject, reason: str, message: str) -> None:
        name = found.metadata.name
        room.ids.pop(name, None)
        self.homes.forget([found.metadata.uid])
        if room.refused.get(name) != message:
            log.info(
                "instance not begun", namespace=room.namespace, instance=name, reason=reason, why=message
            )
        room.refused[name] = message
        await room.store.refuse(name, reason, message, uid=found.metadata.uid)

    async def _end_unbegun(self, room: Room, found: InstanceObject) -> None:
        metadata = found.metadata
        if await room.store.never_begin(metadata.name, uid=metadata.uid, generation=metadata.generation):
            room.forget(metadata.name)
            self.finished(found)

    # -- going on ----------------------------------------------------------------------------------------------

    async def _recover(self, room: Room, found: InstanceObject) -> None:
        try:
            await room.runtime.recover(found.id)
        except Permanent as error:
            self.broke(room, found.id, error)

    def _tell(self, room: Room, found: InstanceObject, action: Tell) -> None:
        if action.resumes is not None:
            room.resumed[found.id] = action.resumes
            room.store.observe(found.id, generation=found.metadata.generation, resumes=action.resumes)
        room.runtime.tell(found.id, action.signal)

    def held_up(self, room: Room, instance: str, error: Exception) -> None:
        """An instance cannot go on just now, and is tried again by itself: say so."""
        name = room.name_of(instance)
        found = self.instances.get(room.namespace, name) if name else None
        if found is not None:
            self.post(room, found, "Warning", NOT_YET, str(error))

    def broke(self, room: Room, instance: str, error: Exception) -> None:
        """An instance cannot be driven as things are: say so, and try again after a while."""
        name = room.name_of(instance)
        failures = room.failures[instance] = room.failures.get(instance, 0) + 1
        pause = min(LONGEST_PAUSE, 2.0 ** min(failures, 6))
        is_expected = isinstance(error, WfeError)
        log.warning(
            "instance cannot go on",
            namespace=room.namespace,
            instance=name or instance,
            error=str(error),
            again_in=pause,
            exc_info=None if is_expected else error,
        )
        found = self.instances.get(room.namespace, name) if name else None
        if found is not None:
            said = str(error) if is_expected else f"{type(error).__name__}: {error}; this is a defect of wfe"
            self.post(room, found, "Warning", "CannotGoOn", said)
            self.queue.add_after((room.namespace, found.metadata.name), pause)

    # -- ending ------------------------------------------------------------------------------------------------

    def _finish(self, room: Room, found: InstanceObject) -> None:
        if found.id not in room.finishing:
            work = self._finished(room, found)
            room.finishing[found.id] = asyncio.create_task(work, name=f"finish {found.metadata.name}")

    async def _finished(self, room: Room, found: InstanceObject) -> None:
        try:
            instance = await room.store.load(found.id)
            mirrored = None
            if instance is not None:
                await room.ground.clear(instance)
                mirrored = await self.is_mirrored(instance) if self.is_mirrored is not None else None
            await room.store.settle(found.id, mirrored=mirrored)
        except Exception as error:  # noqa: BLE001 - it is that instance's, and no other's
            self.broke(room, found.id, error)
        else:
            if room.ids.get(found.metadata.name) == found.id:
                room.forget(found.metadata.name)
            self.homes.forget([found.id])
            self.finished(found)
        finally:
            room.finishing.pop(found.id, None)

    async def _gone(self, room: Room, name: str) -> None:
        """An object has left the cache: it is deleted, or somebody made the last write to it."""
        instance = room.ids.get(name)
        if instance is not None:
            self._wake_children(room, instance)
            room.runtime.drop(instance)
            await self._leave(room, name, instance)
        # Not before all of it was done: what fails is done again by the notes.
        room.forget(name)

    async def _leave(self, room: Room, name: str, instance: str) -> None:
        try:
            body = await self.client.get(INSTANCES, name, room.namespace)
        except ApiNotFound:
            body = {}
        still_there = instance in {body.get("metadata", {}).get("uid"), text_of(_engine(body), "id")}
        if still_there and not phase_of(text_of(body.get("status"), "phase")).is_final:
            # Somebody has written `active: false` by hand. What runs there runs on.
            log.warning("instance was made inactive by hand", namespace=room.namespace, instance=name)
            return
        self.homes.forget([instance])
        if not still_there:
            await room.ground.forget(instance)

    # -- children ----------------------------------------------------------------------------------------------

    def _wake_children(self, room: Room, instance: str) -> None:
        for name in room.awaited.pop(instance, ()):
            self.queue.add((room.namespace, name))

    # -- telling -----------------------------------------------------------------------------------------------

    def post(self, room: Room, found: InstanceObject, kind: Kind, reason: str, message: str) -> None:
        """Post an event about an instance."""
        subject = Subject(room.namespace, found.metadata.name, found.metadata.uid)
        self.notices.post(Notice(subject, kind, reason, message))


def _engine(body: dict[str, Any]) -> Any:
    return (body.get("status") or {}).get("engine")
