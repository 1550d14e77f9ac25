"""Waits of this host's instances for published events: found when published early, told when published late."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wfe.model.commands import AwaitEvent
from wfe.model.event import Event
from wfe.model.signals import EventArrived, Signal
from wfe.ports.store import Published, Store

Tell = Callable[[Signal], object]
Wake = Callable[[str], object]
Key = tuple[str, str, int]
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Waiter:
    wait: AwaitEvent
    tell: Tell | None
    wake: Wake | None = None

    @property
    def place(self) -> Place:
        return (self.wait.event, self.wait.key)

    def hear(self, instance: str, event: Event) -> None:
        """Tell whoever drives the instance, or have it driven; it will look for the event itself."""
        if self.wake is not None:
            self.wake(instance)
        if self.tell is not None:
            wait = self.wait
            self.tell(
                EventArrived(
                    path=wait.path, attempt=wait.attempt, sequence=event.sequence, payload=event.payload
                )
            )


class Waiters:
    """Who waits for which event. A wait is looked up in the store when it begins and whenever events came.

    Nothing here but a look at everything takes longer the more there are who wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiters: dict[Key, _Waiter] = {}
        self._of: dict[str, tuple[Key, ...]] = {}
        self._at: defaultdict[Place, set[Key]] = defaultdict(set)

    def add(self, instance: str, wait: AwaitEvent, tell: Tell) -> Key:
        """Register a wait; then `look` for an event that came before. So no event falls between."""
        key = (instance, wait.path, wait.attempt)
        self._drop(key)
        waiter = self._waiters[key] = _Waiter(wait, tell)
        self._of[instance] = (*self._of.get(instance, ()), key)
        self._at[waiter.place].add(key)
        return key

    def remove(self, instance: str, path: str, attempt: int) -> None:
        self._drop((instance, path, attempt))

    def hand_over(self, instance: str, wake: Wake) -> list[Key]:
        """Only have an instance woken when its events come; each of its waits has to be looked at again."""
        keys = sorted(self._of.get(instance, ()))
        for key in keys:
            self._waiters[key] = _Waiter(self._waiters[key].wait, None, wake)
        return keys

    def forget(self, instance: str) -> None:
        """An instance has left this host."""
        for key in list(self._of.get(instance, ())):
            self._drop(key)

    def _drop(self, key: Key) -> None:
        waiter = self._waiters.pop(key, None)
        if waiter is not None:
            self._of[key[0]] = tuple(each for each in self._of[key[0]] if each != key)
            if not self._of[key[0]]:
                del self._of[key[0]]
            self._at[waiter.place].discard(key)
            if not self._at[waiter.place]:
                del self._at[waiter.place]

    async def look_for(self, event: Event) -> None:
        """An event was published by this host."""
        await self._look_at([(event.name, event.key)])

    async def look_around(self, published: Published) -> None:
        """Events may have been published by others: these, or any."""
        await self._look_at(list(self._at) if published is None else published)

    async def _look_at(self, places: Iterable[Place]) -> None:
        for place in places:
            for key in sorted(self._at.get(place, ())):
                await self.look(key)

    async def look(self, key: Key) -> None:
        """Tell the waiter if its event is there."""
        waiter = self._waiters.get(key)
        if waiter is None:
            return
        wait = waiter.wait
        event = await self._store.first_event(wait.event, wait.key, after=wait.after, since=wait.since)
        if event is not None and self._waiters.get(key) is waiter:
            self._drop(key)
            waiter.hear(key[0], event)
