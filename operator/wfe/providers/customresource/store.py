"""The store of one namespace over its custom resources: the status of an instance is the truth about it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from secrets import token_hex

from wfe.kube import ApiConflict, ApiNotFound, Client, Informer
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.concurrency import Group
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.record import StepRecord
from wfe.model.signals import Signal
from wfe.ports.store import ActivityClaim, ActivityOffer, Definition, Published, Query, Summary
from wfe.providers.customresource import names
from wfe.providers.customresource.activities import Activities
from wfe.providers.customresource.births import Births
from wfe.providers.customresource.definitions import Definitions
from wfe.providers.customresource.endings import Endings
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.events import LIFE, Events
from wfe.providers.customresource.finding import Finder
from wfe.providers.customresource.groups import Groups
from wfe.providers.customresource.kinds import EventObject, InstanceObject
from wfe.providers.customresource.loading import Loader
from wfe.providers.customresource.mail import Mail
from wfe.providers.customresource.names import ID, INSTANCES
from wfe.providers.customresource.reports import Reports
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.saving import Saver


class CustomResourceStore:
    """Keeps the promises of `wfe.ports.store.Store` for one namespace.

    Args:
        client, instances, events: shared with other stores, and run by whoever made them; the informers decode
            into `kinds.InstanceObject` and `kinds.EventObject`. The one of instances may leave out those that are
            settled (`status.active!=false`). A tool that watches nothing does without them: then `unfinished`,
            `inboxes`, `first_event` and `changes` know nothing of what others do.
        identity: names this start of this process, and no other; by default it is made up.
        event_life: how long events are kept that do not say it themselves.

    Attributes:
        saved: told of each decision that this store has saved, with the name of the instance's object.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        *,
        instances: Informer[InstanceObject] | None = None,
        events: Informer[EventObject] | None = None,
        identity: str | None = None,
        event_life: timedelta = LIFE,
    ) -> None:
        self._room = Room(client, namespace, identity or token_hex(8))
        self._instances, self._published = instances, events
        self.saved: Callable[[str, Decision], None] | None = None
        self._finder = Finder(self._room)
        self._saver = Saver(self._room, self._finder)
        self._births = Births(self._room, self._finder, self._saver)
        self._loader = Loader(self._room, self._finder)
        self._mail = Mail(self._room, self._finder)
        self._events = Events(self._room, life=event_life, is_told=events is not None)
        self._definitions = Definitions(self._room)
        self._activities = Activities(self._room)
        self._groups = Groups(self._room)
        self._reports = Reports(self._room, self._activities, self._mail)
        self._endings = Endings(self._room, self._finder)
        self._stop_listening: list[Callable[[], None]] = []

    async def open(self) -> None:
        """Wait until the informers have seen everything once."""
        informers = (self._instances, self._published)
        for informer in informers:
            if informer is not None:
                await informer.synced.wait()
        if self._stop_listening:
            return
        if self._instances is not None:
            self._stop_listening.append(self._instances.listen(self._room.table.told))
        if self._published is not None:
            self._stop_listening.append(self._published.listen(self._events.told))
            self._stop_listening.append(self._published.listen(self._reports.told))

    async def close(self) -> None:
        """Finish what was begun."""
        while self._stop_listening:
            self._stop_listening.pop()()
        await self._room.close()

    # -- instances ---------------------------------------------------------------------------------------------

    async def create(self, decision: Decision) -> bool:
        return await self._room.finishing(lambda: self._create(decision))

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        await self._room.finishing(lambda: self._save(decision, consumed))

    async def _create(self, decision: Decision) -> bool:
        is_new = await self._births.create(decision)
        if is_new:
            self._tell(decision)
        return is_new

    async def _save(self, decision: Decision, consumed: Sequence[int]) -> None:
        await self._saver.save(decision, consumed)
        self._tell(decision)

    def _tell(self, decision: Decision) -> None:
        kept = self._room.table.get(decision.instance.id)
        if kept is not None and self.saved is not None:
            self.saved(kept.name, decision)

    async def load(self, instance: str) -> Instance | None:
        return await self._loader.load(instance)

    async def resolve(self, id_or_name: str) -> str | None:
        with translated(f"looking for instance `{id_or_name}`"):
            return await self._finder.resolve(id_or_name)

    async def list(self, query: Query) -> Sequence[Summary]:
        return await self._loader.list(query)

    async def unfinished(self) -> Sequence[str]:
        begun = [kept for kept in self._room.table if kept.created and not kept.has_ended]
        return [kept.id for kept in sorted(begun, key=lambda kept: (kept.created, kept.id))]

    async def history(self, instance: str) -> Sequence[StepRecord]:
        return await self._loader.history(instance)

    async def whole(self, name: str) -> tuple[Instance, Sequence[StepRecord]] | None:
        """Return the instance of the object with that name and its history, as they are at one moment."""
        return await self._loader.whole(name)

    async def delete(self, instance: str) -> bool:
        """Delete the object of an instance; what belongs to it goes too. Children go when the server finds out."""
        with translated(f"deleting instance `{instance}`"):
            kept = await self._finder.find(instance)
            if kept is None:
                return False
            try:
                deleted = await self._room.client.delete(
                    INSTANCES, kept.name, self._room.namespace, uid=kept.uid, propagation="Background"
                )
            except (ApiConflict, ApiNotFound):
                deleted = False
            mine = f"{ID}={names.label(instance)}"
            await self._room.client.delete_all(CONFIG_MAPS, self._room.namespace, labels=mine)
            await self._activities.forget(instance)
            self._room.table.forget(kept)
        self._room.table.changed.set()
        return deleted

    # -- what the host tells -----------------------------------------------------------------------------------

    def hold_only(self, mine: Callable[[InstanceObject], bool]) -> None:
        """Hold what is heard of these instances until they are loaded; all others are read when asked for."""
        self._room.table.holds = mine

    def rest(self, instance: str) -> None:
        """Nobody works on an instance for now: hold nothing of it that can be read again."""
        if (kept := self._room.table.get(instance)) is not None:
            kept.rest()

    async def settle(self, instance: str, *, mirrored: bool | None = None) -> None:
        """Say that nothing is left to do for an instance that has ended: the last write to it.

        Args:
            mirrored: whether the history has all of it; None where there is no history.
        """
        await self._endings.settle(instance, mirrored)

    async def raise_epoch(self, root: str, *, pod: str | None = None) -> int:
        """Raise the epoch of a tree's runner, and return it: nobody else is given the same."""
        return await self._endings.raise_epoch(root, pod=pod)

    async def refuse(self, name: str, reason: str, message: str, *, uid: str) -> None:
        """Say why the instance of the object with that name and uid cannot begin."""
        await self._endings.refuse(name, reason, message, uid=uid)

    async def never_begin(self, name: str, *, uid: str, generation: int) -> bool:
        """End an instance before it begins. False if it has begun, or its object changed, meanwhile."""
        return await self._endings.never_begin(name, uid=uid, generation=generation)

    def observe(self, instance: str, *, generation: int, resumes: int = 0) -> None:
        """Take note which spec has been acted on; the next save says so."""
        kept = self._room.table.get(instance)
        if kept is not None:
            kept.generation, kept.resumes = generation, resumes

    async def take_reports(self, *, now: datetime, refused: Callable[[str, str], None]) -> int:
        """Hand reports of activities to their instances; tell why others are refused. Return how many were good."""
        return await self._reports.take(now=now, refused=refused)

    # -- messages ----------------------------------------------------------------------------------------------

    async def post(self, instance: str, signal: Signal) -> int:
        return await self._room.finishing(lambda: self._mail.post(instance, signal))

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        return await self._mail.inbox(instance)

    async def inboxes(self) -> Sequence[str]:
        return self._mail.inboxes()

    async def publish(self, name: str, key: str, payload: Json, *, now: datetime) -> Event:
        return await self._room.finishing(lambda: self._events.publish(name, key, payload, now=now))

    async def first_event(self, name: str, key: str, *, after: int, since: datetime | None) -> Event | None:
        return self._events.first(name, key, after=after, since=since)

    async def expire_events(self, *, before: datetime) -> int:
        return await self._events.expire(before=before)

    async def put_definition(self, definition: Definition) -> None:
        await self._room.finishing(lambda: self._definitions.put(definition))

    async def definition(self, digest: str) -> Definition | None:
        return await self._definitions.get(digest)

    async def latest_definition(self, workflow: str, version: int | None) -> Definition | None:
        return await self._definitions.latest(workflow, version)

    async def offer(self, offer: ActivityOffer) -> None:
        await self._room.finishing(lambda: self._activities.offer(offer))

    async def withdraw(self, instance: str, path: str, attempt: int) -> None:
        await self._activities.withdraw(instance, path, attempt)

    async def claim_activity(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        return await self._activities.claim(name, worker, now=now)

    async def close_activity(self, token: str, *, now: datetime) -> ActivityOffer | None:
        return await self._activities.close(token, now=now)

    async def group(self, key: str) -> Group:
        return await self._groups.get(key)

    async def put_group(self, key: str, before: Group, after: Group) -> None:
        await self._groups.put(key, before, after)

    async def changes(self) -> Published:
        """Return once others may have written, or this store something that others wait for.

        Saves of this store are left out: what they mean is told without the store.
        """
        await self._room.table.changed.wait()
        self._room.table.changed.clear()
        return self._events.news()
