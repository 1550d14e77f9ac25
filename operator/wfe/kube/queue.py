"""A keyed work queue: a key is worked by one worker at a time, and once however often it was added meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 60.0


class WorkQueue(Generic[K]):
    """Adds are cheap and never wait. A key that fails comes again after a growing pause, others are not delayed.

    A key is *dirty* from its add until a worker takes it, and *busy* while it is worked on. What is added while busy
    waits for the end of that work, so two workers never have the same key.
    """

    def __init__(self) -> None:
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._dirty: set[K] = set()
        self._busy: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}

    def add(self, key: K) -> None:
        """Have it worked on, or again if it is just being worked on."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._busy:
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Add it later; the earliest of several wins."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(0.0, seconds)
        if timer := self._timers.get(key):
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._fire, key)

    async def run(self, work: Callable[[K], Awaitable[float | None]], *, workers: int = 16) -> None:
        """Work on keys until cancelled. `work` returns when to come again in seconds, or None.

        An exception is logged, and its key comes again after 0.1 s, doubling to 60 s; a success starts that over.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(self._work(work), name=f"worker {number}")

    def __len__(self) -> int:
        """Return how many keys wait."""
        return len(self._dirty)

    def _fire(self, key: K) -> None:
        del self._timers[key]
        self.add(key)

    async def _work(self, work: Callable[[K], Awaitable[float | None]]) -> None:
        while True:
            key = await self._ready.get()
            self._dirty.discard(key)
            self._busy.add(key)
            try:
                again = await work(key)
            except Exception:
                again = self._pause(key)
                log.warning("work failed: %s, again in %.1f s", key, again, exc_info=True)
            except BaseException:
                self._dirty.add(key)
                raise
            else:
                self._failures.pop(key, None)
            finally:
                self._busy.discard(key)
                if key in self._dirty:
                    self._ready.put_nowait(key)
            if again is not None:
                self.add_after(key, again)

    def _pause(self, key: K) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 20))
