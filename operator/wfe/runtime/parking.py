"""Parking: of an instance that only waits, nothing is kept in memory but what wakes it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import Final

from wfe.model.signals import Signal
from wfe.ports.clock import Clock

# A loop's timers do not reach years; waking up in between costs nothing.
LONGEST_WAIT_SECONDS: Final = 3600.0


@dataclass(slots=True)
class Parked:
    """One instance: its tree, when it is due, and what it was told since."""

    root: str
    wake_at: datetime | None
    told: list[Signal] = field(default_factory=list)
    is_waking: bool = False


class Parking:
    """The parked instances of a host. `wake` is called once for each that is due or was asked for."""

    def __init__(self, clock: Clock, wake: Callable[[str], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._parked: dict[str, Parked] = {}
        self._due: list[tuple[datetime, str]] = []
        self._changed = asyncio.Event()

    def __contains__(self, instance: str) -> bool:
        return instance in self._parked

    def put(self, instance: str, root: str, wake_at: datetime | None) -> None:
        """Park an instance."""
        self._parked[instance] = Parked(root, wake_at)
        if wake_at is not None:
            heappush(self._due, (wake_at, instance))
            self._changed.set()

    def take(self, instance: str) -> Parked | None:
        """End the parking of an instance: it is driven again, or gone."""
        return self._parked.pop(instance, None)

    def wake(self, instance: str, signal: Signal | None = None) -> bool:
        """Have an instance driven again, and told this. False if it is not parked."""
        parked = self._parked.get(instance)
        if parked is None:
            return False
        if signal is not None:
            parked.told.append(signal)
        if not parked.is_waking:
            parked.is_waking = True
            self._wake(instance)
        return True

    def of(self, roots: frozenset[str]) -> list[str]:
        """Return the parked instances of these trees."""
        return [instance for instance, parked in self._parked.items() if parked.root in roots]

    async def run(self) -> None:
        """Wake what is due, until cancelled."""
        while True:
            self._changed.clear()
            self._wake_due()
            delay = LONGEST_WAIT_SECONDS
            if self._due:
                left = (self._due[0][0] - self._clock.now()).total_seconds()
                delay = min(delay, max(0.0, left))
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _wake_due(self) -> None:
        now = self._clock.now()
        while self._due and self._due[0][0] <= now:
            when, instance = heappop(self._due)
            parked = self._parked.get(instance)
            if parked is not None and parked.wake_at == when:
                self.wake(instance)
