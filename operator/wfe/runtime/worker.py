"""A worker: one of several hosts, on one machine or on many, that share the instances of a store.

    queue ─▶ take a root ─▶ take its lease ─▶ drive it to its end ─▶ done

The queue says whose turn it is, the lease who works on what. Neither carries correctness: saves are
compare-and-swap, and attempts are claimed where they run. What the queue has forgotten is put again by whoever
looks through the store next.
"""

import logging
from asyncio import Task
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from wfe.errors import Permanent
from wfe.model.status import FINAL_INSTANCE, InstanceStatus
from wfe.ports.queue import Queue, Taken
from wfe.ports.store import Query, Summary
from wfe.runtime.leftovers import Leftovers
from wfe.runtime.nursery import Nursery
from wfe.runtime.patience import persistently
from wfe.runtime.runtime import HeldElsewhere, Runtime

log = logging.getLogger("wfe")

# Where queue and leases are as they should be, looking through the store finds nothing.
PARK_AFTER: Final = timedelta(seconds=10)
LOOK_EVERY: Final = timedelta(seconds=30)
MOST_AT_ONCE: Final = 16
FULL_PAUSE: Final = timedelta(milliseconds=200)
PAGE: Final = 500
UNFINISHED: Final = frozenset(InstanceStatus) - FINAL_INSTANCE


@dataclass(slots=True)
class Worker:
    """Works on instances until cancelled.

    Attributes:
        runtime: drives them.
        queue: says which.
        leftovers: tells others what became of what was started here.
        recover: goes on with an instance, or begins it, as `Runtime.recover`.
        is_here: says whether this host has a root in hand.
        capacity: how many roots are driven at once; those that only wait do not count.
    """

    runtime: Runtime
    queue: Queue
    leftovers: Leftovers
    recover: Callable[[str], Awaitable[None]]
    is_here: Callable[[str], bool]
    capacity: int
    _claims: dict[str, Taken] = field(default_factory=dict)
    _working: dict[str, Task[None]] = field(default_factory=dict)
    _beginning: set[str] = field(default_factory=set)
    _nursery: Nursery = field(default_factory=Nursery)

    async def run(self) -> None:
        """Take and work, until cancelled; what is unfinished then is given to others.

        Raises:
            Permanent: the store, the queue or the leases cannot be used any more.
        """
        for work in (self._take_all(), self._renew_all(), self._look_through()):
            self._nursery.start(work, name="worker")
        try:
            await self._nursery.broken()
        finally:
            await self._nursery.close()
            for taken in list(self._claims.values()):
                await self.queue.put(taken.key, self.runtime.clock.now())
                await self.queue.done(taken)

    # -- one instance --------------------------------------------------------------------------------------------

    def _begin(self, taken: Taken) -> None:
        self._claims[taken.key] = taken
        self._beginning.add(taken.key)
        self._working[taken.key] = self._nursery.start(self._work(taken), name="work")

    async def _work(self, taken: Taken) -> None:
        """Drive an instance to its end, and be done with it."""
        key = taken.key
        try:
            await persistently(self.runtime.clock, partial(self.recover, key))
            self._beginning.discard(key)
            log.info("took instance %s", key)
            await self.runtime.wait(key)
        except HeldElsewhere:
            pass  # whoever has its lease works on it; should that one die, looking through the store finds it
        except Permanent as error:
            log.warning("instance %s is left alone: %s", key, error)
        self._beginning.discard(key)
        self._working.pop(key, None)
        await self._done(key, taken)

    async def _done(self, key: str, taken: Taken | None) -> None:
        self._claims.pop(key, None)
        if taken is not None:
            await persistently(self.runtime.clock, partial(self.queue.done, taken))

    # -- all of them ---------------------------------------------------------------------------------------------

    async def _take_all(self) -> None:
        clock = self.runtime.clock
        while True:
            room = self.capacity - self.runtime.busy() - len(self._beginning)
            if room <= 0:
                await clock.sleep_until(clock.now() + FULL_PAUSE)
                continue
            taken = await persistently(
                clock, partial(self.queue.take, min(room, MOST_AT_ONCE), self.runtime.ttl)
            )
            for one in taken:
                self._begin(one)
            if not taken:
                await persistently(clock, partial(self.queue.wait, clock.now() + LOOK_EVERY))

    async def _renew_all(self) -> None:
        clock = self.runtime.clock
        while True:
            await clock.sleep_until(clock.now() + self.runtime.ttl / 3)
            claims = list(self._claims.values())
            for lost in await persistently(clock, partial(self.queue.renew, claims, self.runtime.ttl)):
                if self._claims.get(lost.key) == lost:
                    del self._claims[lost.key]
            for key, work in list(self._working.items()):
                if key not in self._beginning and not self.is_here(key):
                    work.cancel()
                    del self._working[key]
                    await persistently(clock, partial(self._let_go, key))

    async def _let_go(self, key: str) -> None:
        """Be done with an instance whose lease was lost.

        Our claim would keep it from whoever comes after the host that has the lease. Perhaps none has, since the
        leases were forgotten: it is anybody's turn, and whoever finds it held leaves it where it is.
        """
        await self.queue.put(key, self.runtime.clock.now())
        await self._done(key, self._claims.get(key))

    async def _look_through(self) -> None:
        clock = self.runtime.clock
        while True:
            await persistently(clock, self._look_once)
            await clock.sleep_until(clock.now() + LOOK_EVERY * (0.75 + clock.jitter() / 2))

    async def _look_once(self) -> None:
        """Put what nobody works on, and tell of what runs here for others."""
        runtime = self.runtime
        async for root in self._unfinished():
            if root.id not in self._working and await runtime.is_free(root.id):
                await self.queue.put(root.id, runtime.clock.now())
        unfinished = await runtime.store.unfinished()
        await self.leftovers.look([instance for instance in unfinished if not runtime.is_driving(instance)])

    async def _unfinished(self) -> AsyncIterator[Summary]:
        before: Summary | None = None
        while page := await self.runtime.store.list(
            Query(statuses=UNFINISHED, roots_only=True, limit=PAGE, before=before)
        ):
            for summary in page:
                yield summary
            before = page[-1]
