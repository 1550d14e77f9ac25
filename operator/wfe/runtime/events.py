"""Waits of this host's instances for published events: found when published early, told when published late."""

from collections.abc import Callable
from dataclasses import dataclass

from wfe.model.commands import AwaitEvent
from wfe.model.event import Event
from wfe.model.signals import EventArrived, Signal
from wfe.ports.store import Store

Tell = Callable[[Signal], object]
Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Waiter:
    wait: AwaitEvent
    tell: Tell


class Waiters:
    """Who waits for which event. A wait is looked up in the store when it begins and whenever events came."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiters: dict[Key, _Waiter] = {}

    def add(self, instance: str, wait: AwaitEvent, tell: Tell) -> Key:
        """Register a wait; then `look` for an event that came before. So no event falls between."""
        key = (instance, wait.path, wait.attempt)
        self._waiters[key] = _Waiter(wait, tell)
        return key

    def remove(self, instance: str, path: str, attempt: int) -> None:
        self._waiters.pop((instance, path, attempt), None)

    def hand_over(self, instance: str, tell: Tell) -> list[Key]:
        """Let somebody else hear of an instance's events; each of its waits has to be looked at again."""
        keys = [key for key in self._waiters if key[0] == instance]
        for key in keys:
            self._waiters[key] = _Waiter(self._waiters[key].wait, tell)
        return keys

    def forget(self, instance: str) -> None:
        """An instance has left this host."""
        for key in [key for key in self._waiters if key[0] == instance]:
            del self._waiters[key]

    async def look_for(self, event: Event) -> None:
        """An event was published by this host."""
        for key, waiter in list(self._waiters.items()):
            if (waiter.wait.event, waiter.wait.key) == (event.name, event.key):
                await self.look(key)

    async def look_for_all(self) -> None:
        """Events may have been published by others."""
        for key in list(self._waiters):
            await self.look(key)

    async def look(self, key: Key) -> None:
        """Tell the waiter if its event is there."""
        waiter = self._waiters.get(key)
        if waiter is None:
            return
        wait = waiter.wait
        event = await self._store.first_event(wait.event, wait.key, after=wait.after, since=wait.since)
        if event is not None and self._waiters.get(key) is waiter:
            del self._waiters[key]
            waiter.tell(
                EventArrived(
                    path=wait.path, attempt=wait.attempt, sequence=event.sequence, payload=event.payload
                )
            )
