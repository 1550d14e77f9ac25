"""Waits of this host's instances for published events: found when published early, told when published late."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from wfe.model.commands import AwaitEvent
from wfe.model.event import Event
from wfe.model.signals import EventArrived, Signal
from wfe.ports.store import Published, Store

Tell = Callable[[Signal], object]
Key = tuple[str, str, int]
Place = tuple[str, str]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class _Waiter:
    wait: AwaitEvent
    tell: Tell

    @property
    def place(self) -> Place:
        return (self.wait.event, self.wait.key)


class Waiters:
    """Who waits for which event. A wait is looked up in the store when it begins and whenever events came.

    Nothing here but a look at everything takes longer the more there are who wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiters: dict[Key, _Waiter] = {}
        self._of: defaultdict[str, set[Key]] = defaultdict(set)
        self._at: defaultdict[Place, set[Key]] = defaultdict(set)

    def add(self, instance: str, wait: AwaitEvent, tell: Tell) -> Key:
        """Register a wait; then `look` for an event that came before. So no event falls between."""
        key = (instance, wait.path, wait.attempt)
        self._drop(key)
        waiter = self._waiters[key] = _Waiter(wait, tell)
        self._of[instance].add(key)
        self._at[waiter.place].add(key)
        return key

    def remove(self, instance: str, path: str, attempt: int) -> None:
        self._drop((instance, path, attempt))

    def hand_over(self, instance: str, tell: Tell) -> list[Key]:
        """Let somebody else hear of an instance's events; each of its waits has to be looked at again."""
        keys = sorted(self._of.get(instance, ()))
        for key in keys:
            self._waiters[key] = _Waiter(self._waiters[key].wait, tell)
        return keys

    def forget(self, instance: str) -> None:
        """An instance has left this host."""
        for key in list(self._of.get(instance, ())):
            self._drop(key)

    def _drop(self, key: Key) -> None:
        waiter = self._waiters.pop(key, None)
        if waiter is not None:
            _discard(self._of, key[0], key)
            _discard(self._at, waiter.place, key)

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
            waiter.tell(
                EventArrived(
                    path=wait.path, attempt=wait.attempt, sequence=event.sequence, payload=event.payload
                )
            )


def _discard(index: defaultdict[K, set[Key]], place: K, key: Key) -> None:
    index[place].discard(key)
    if not index[place]:
        del index[place]
