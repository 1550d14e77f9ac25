"""The queue between the workers of one process."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

from wfe.ports.queue import Taken


@dataclass(slots=True)
class Entry:
    """A key that waits until `at`, or is taken with a claim until `at` under its token."""

    key: str
    at: datetime
    number: int = 0
    token: str | None = None
    again: datetime | None = None


@dataclass(slots=True)
class QueueTable:
    """The keys of all takers.

    `times` is a heap of `(time, number, key)`; what does not have the number of its key's entry means nothing.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    times: list[tuple[datetime, int, str]] = field(default_factory=list)
    takes: int = 0
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: int = 0

    def schedule(self, key: str, at: datetime) -> None:
        """Have a key given out at that time, whatever time it had."""
        self._numbers += 1
        entry = self.entries.setdefault(key, Entry(key, at))
        entry.at, entry.number = at, self._numbers
        heappush(self.times, (at, self._numbers, key))

    def first(self) -> Entry | None:
        """Return the entry whose time comes first."""
        while self.times:
            _, number, key = self.times[0]
            entry = self.entries.get(key)
            if entry is not None and entry.number == number:
                return entry
            heappop(self.times)
        return None

    def held(self, taken: Taken) -> Entry | None:
        """Return the entry if it is still taken with that token."""
        entry = self.entries.get(taken.key)
        return entry if entry is not None and entry.token == taken.token else None

    def ring(self) -> None:
        """Wake all who wait."""
        self.bell.set()
        self.bell = asyncio.Event()


class MemoryQueue:
    """Keeps the promises of `wfe.ports.queue.Queue` within one process."""

    def __init__(self, table: QueueTable, *, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    async def put(self, key: str, due: datetime) -> None:
        entry = self._table.entries.get(key)
        if entry is not None and entry.token is not None:
            entry.again = min(due, entry.again or due)
        elif entry is None or due < entry.at:
            self._table.schedule(key, due)
            self._table.ring()

    async def take(self, limit: int, claim: timedelta) -> Sequence[Taken]:
        now = self._now()
        due: list[Entry] = []
        while len(due) < limit and (entry := self._table.first()) is not None and entry.at <= now:
            heappop(self._table.times)
            due.append(entry)
        return [self._claim(entry, now, claim) for entry in due]

    def _claim(self, entry: Entry, now: datetime, claim: timedelta) -> Taken:
        self._table.takes += 1
        entry.token = str(self._table.takes)
        if entry.again is not None and entry.again <= now:
            entry.again = None  # this taker comes after that put
        self._table.schedule(entry.key, now + claim)
        return Taken(entry.key, entry.token)

    async def renew(self, taken: Sequence[Taken], claim: timedelta) -> Sequence[Taken]:
        now = self._now()
        lost = []
        for one in taken:
            entry = self._table.held(one)
            if entry is None or entry.at <= now:
                lost.append(one)
            else:
                self._table.schedule(one.key, now + claim)
        return lost

    async def done(self, taken: Taken) -> bool:
        entry = self._table.held(taken)
        if entry is None:
            return False
        del self._table.entries[taken.key]
        if entry.again is not None:
            self._table.schedule(taken.key, entry.again)
            self._table.ring()
        return True

    async def wait(self, until: datetime) -> None:
        while (left := self._next(until) - self._now()) > timedelta():
            bell = self._table.bell
            with suppress(TimeoutError):
                async with asyncio.timeout(left.total_seconds()):
                    await bell.wait()
            if not bell.is_set():
                return  # the time has come

    def _next(self, until: datetime) -> datetime:
        first = self._table.first()
        return until if first is None else min(first.at, until)
