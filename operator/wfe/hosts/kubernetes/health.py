"""Whether the process is well: what the probes of its pod ask, and what is measured for that."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol

MOST_LAG: Final = 20.0
OLDEST_WORD: Final = 300.0
EVERY: Final = 0.5
REMEMBERED: Final = 60.0


class Watch(Protocol):
    """What is known of an informer."""

    @property
    def synced(self) -> asyncio.Event: ...

    @property
    def age(self) -> float: ...


class Lag:
    """By how much the event loop comes late: the most of the last minute."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()

    @property
    def most(self) -> float:
        return max((late for _, late in self._late), default=0.0)

    async def run(self) -> None:
        """Measure, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            await asyncio.sleep(EVERY)
            now = loop.time()
            self._late.append((now, now - asked - EVERY))
            while self._late and self._late[0][0] < now - REMEMBERED:
                self._late.popleft()


class Health:
    """Answers of the probes: a list of what is wrong, empty if nothing is.

    The process is alive while its loop turns and its watches say something; it is ready once its caches are whole,
    whether it leads or stands by.
    """

    def __init__(
        self, watches: Mapping[str, Watch], lag: Lag, *, others: Callable[[], str | None] = lambda: None
    ) -> None:
        self._watches = watches
        self._lag = lag
        self._others = others

    def live(self) -> list[str]:
        """Return why the process should be started anew."""
        wrong = [
            f"no word of {name} for {watch.age:.0f} s"
            for name, watch in self._watches.items()
            if watch.synced.is_set() and watch.age > OLDEST_WORD
        ]
        if self._lag.most > MOST_LAG:
            wrong.append(f"the event loop was {self._lag.most:.0f} s late")
        return wrong

    def ready(self) -> list[str]:
        """Return why the process is of no use yet."""
        wrong = [
            f"{name} are not listed yet" for name, watch in self._watches.items() if not watch.synced.is_set()
        ]
        said = self._others()
        return [*wrong, said] if said else wrong
