"""Ships what steps write to a keeper of logs, in batches, without ever holding up a step.

What is written waits in a queue of bounded size, and what does not fit, in an overflow on a disk, if there is one. When
that is full, too, an attempt's lines are left where they are, and read from there as soon as there is room: a keeper
knows a line by its offset, so what comes twice is there once.
An instance is named in a ledger from its first line until its last has arrived; what a process leaves behind when
it dies is read again, from the source, by the next.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from wfe.model.ids import AttemptKey
from wfe.ports.clock import Clock
from wfe.ports.logs import (
    SEGMENT_LIMIT,
    LogReader,
    LogRecord,
    LogStore,
    NoOverflow,
    Overflow,
    Segment,
    Stream,
)
from wfe.runtime.copies.delivery import Delivery
from wfe.runtime.copies.held import Held
from wfe.runtime.copies.lag import Lag

QUEUE_BYTES: Final = 32 * 1024 * 1024
BATCH_BYTES: Final = 1024 * 1024
# What a line costs in memory beside its bytes.
OVERHEAD: Final = 200
GATHER: Final = timedelta(milliseconds=100)
SETTLE: Final = timedelta(seconds=1)
AT_ONCE: Final = 2
_NAME: Final = "logs"


@dataclass(frozen=True, slots=True)
class About:
    """What the lines of an instance are searched by, beside their words, and whether it has ended."""

    name: str
    workflow: str
    has_ended: bool = False


UNKNOWN: Final = About("", "", has_ended=True)


class LogShipper:
    """Takes lines as `ports.logs.LogSink` does, and hands them to a keeper.

    Args:
        store: the keeper.
        source: reads what steps wrote where they wrote it.
        held: the ledger.
        about: tells of an instance, or None if there is none.
        limit: how many bytes may wait in memory.

    Attributes:
        overflow: where more of them wait; whoever made it closes it.
    """

    def __init__(  # what it stands between
        self,
        store: LogStore,
        source: LogReader,
        held: Held,
        clock: Clock,
        about: Callable[[str], Awaitable[About | None]],
        *,
        limit: int = QUEUE_BYTES,
    ) -> None:
        self.delivery = Delivery("lines of logs", clock)
        self.overflow: Overflow = NoOverflow()
        self._store = store
        self._source = source
        self._held = held
        self._clock = clock
        self._find_about = about
        self._limit = limit
        self._queue: deque[Segment] = deque()
        self._bytes = 0
        self._flying: dict[int, datetime] = {}
        self._outstanding: Counter[str] = Counter()
        self._about: dict[str, About] = {}
        self._gaps: dict[AttemptKey, dict[Stream, int]] = {}
        self._leftovers: set[str] = set()
        self._unread: set[str] = set()
        self._gone: set[str] = set()
        self._arrived = 0
        self._is_closing = False
        self._is_reading = False
        self._news = asyncio.Event()
        self._again = asyncio.Event()

    async def write(self, segment: Segment) -> None:
        """Take a segment, or leave it where it is; this never waits."""
        key = segment.key
        self._held.hold(key.instance, _NAME)
        # The rest of a stream is no longer what is read of it once there is more, so it is always taken: it is
        # small, and there is one of each stream.
        if not is_whole(segment) or (self._bytes < self._limit and key not in self._gaps):
            self._queue.append(segment)
            self._bytes += len(segment.data) + OVERHEAD
            self._outstanding[key.instance] += 1
            self._news.set()
            return
        if key not in self._gaps and self.overflow.add(segment):
            self._outstanding[key.instance] += 1
        else:
            ends = self._gaps.setdefault(key, {})
            ends[segment.stream] = max(ends.get(segment.stream, 0), segment.offset + len(segment.data))
        self._again.set()

    def know(self, instance: str, about: About) -> None:
        """Tell what an instance is; after it has ended, nothing more of it is written."""
        self._about[instance] = about
        if about.has_ended:
            if instance in self._leftovers:
                self._unread.add(instance)
                self._again.set()
            self._settle(instance)

    def adopt(self, instances: Sequence[str]) -> None:
        """Ship what another process has left of instances."""
        for instance in instances:
            self._held.hold(instance, _NAME)
        self._leftovers.update(instances)
        self._unread.update(instances)
        if instances:
            self._again.set()

    def forget(self, instance: str) -> None:
        """Read nothing of an instance again: what it wrote is gone. What is in memory still arrives."""
        self._leftovers.discard(instance)
        self._unread.discard(instance)
        for key in [key for key in self._gaps if key.instance == instance]:
            del self._gaps[key]
        self._gone.add(instance)
        self.know(instance, replace(self._about.get(instance, UNKNOWN), has_ended=True))

    def lag(self) -> Lag:
        """Return how far the keeper is behind."""
        waiting = [*(one.at for one in [*self._queue][:1]), *filter(None, [self.overflow.oldest])]
        oldest = min([*self._flying.values(), *waiting], default=None)
        return Lag(
            waiting=self._outstanding.total(),
            behind=max(self._clock.now() - oldest, timedelta()) if oldest else timedelta(),
            again=len(self._gaps) + len(self._unread) + self._is_reading,
            arrived=self._arrived,
            refused=self.delivery.refused,
            trouble=self.delivery.trouble,
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not (self._outstanding or self._gaps or self._unread or self._is_reading)

    async def run(self) -> None:
        """Ship until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(self._ship(number))
            group.create_task(self._read_again())

    async def close(self, within: timedelta) -> bool:
        """Wait until all has arrived, as long as it does arrive. Return whether that is so.

        What has not arrived stays in the ledger.
        """
        self._is_closing = True
        self._news.set()
        until = self._clock.now() + within
        while not self.is_idle and not self.delivery.trouble and self._clock.now() < until:
            await self._clock.sleep_until(self._clock.now() + timedelta(milliseconds=20))
        for instance in self._held.of(_NAME):
            if not self._outstanding[instance] and not self._is_missing(instance):
                self._held.let_go(instance, _NAME)
        return self.is_idle

    # -- what waits ----------------------------------------------------------------------------------------------

    async def _ship(self, number: int) -> None:
        while True:
            batch = await self._next_batch()
            if not batch:
                continue
            await self._send(number, batch)
            self._bytes -= sum(len(segment.data) + OVERHEAD for segment in batch)

    async def _send(self, number: int, batch: Sequence[Segment]) -> None:
        self._flying[number] = batch[0].at
        await self._deliver(batch)
        del self._flying[number]
        for segment in batch:
            self._outstanding[segment.key.instance] -= 1
        for instance in {segment.key.instance for segment in batch}:
            self._settle(instance)

    async def _next_batch(self) -> list[Segment]:
        await self._news.wait()
        if self._bytes < BATCH_BYTES and not self._is_closing:
            await self._clock.sleep_until(self._clock.now() + GATHER)
        batch: list[Segment] = []
        size = 0
        while self._queue and size < BATCH_BYTES:
            segment = self._queue.popleft()
            size += len(segment.data) + OVERHEAD
            batch.append(segment)
        if not self._queue:
            self._news.clear()
        return batch

    async def _deliver(self, segments: Sequence[Segment]) -> None:
        abouts = {name: await self._about_of(name) for name in {one.key.instance for one in segments}}
        records = []
        for segment in segments:
            about = abouts[segment.key.instance]
            records.append(LogRecord(segment, about.name or segment.key.instance, about.workflow))
        await self.delivery.persistently(lambda: self._store.append(records))
        self._arrived += len(records)

    async def _about_of(self, instance: str) -> About:
        known = self._about.get(instance)
        if known is None:
            known = await self._find_about(instance) or UNKNOWN
            if not known.has_ended:
                self._about[instance] = known
        return known

    # -- what is read again --------------------------------------------------------------------------------------

    async def _read_again(self) -> None:
        while True:
            await self._again.wait()
            if self._bytes > self._limit // 2:
                await self._clock.sleep_until(self._clock.now() + GATHER)
                continue
            self._is_reading = True
            if overflown := self.overflow.take():
                await self._send(AT_ONCE, overflown)
            elif self._unread:
                await self._read_leftover(self._unread.pop())
            elif self._gaps:
                await self._fill(next(iter(self._gaps)))
            self._is_reading = False
            if not self._unread and not self._gaps and self.overflow.oldest is None:
                self._again.clear()

    async def _read_leftover(self, instance: str) -> None:
        has_ended = (await self._about_of(instance)).has_ended
        segments = self._source.read(instance)
        await self._copy(segment async for segment in segments if has_ended or is_whole(segment))
        if has_ended:
            self._leftovers.discard(instance)
            self._settle(instance)

    async def _fill(self, key: AttemptKey) -> None:
        # From here on lines are taken again, so whatever is not there yet when we read comes by itself.
        missing = self._gaps.pop(key)
        found: dict[Stream, int] = {}

        async def read() -> AsyncIterator[Segment]:
            async for segment in self._source.read(key.instance, step=key.path):
                if segment.key == key and is_whole(segment):
                    found[segment.stream] = segment.offset + len(segment.data)
                    yield segment

        await self._copy(read())
        left = {stream: end for stream, end in missing.items() if found.get(stream, 0) < end}
        if left and key.instance not in self._gone:
            # It is not to be seen yet, as long as values of secrets may be in it.
            self._gaps[key] = {**left, **self._gaps.get(key, {})}
            await self._clock.sleep_until(self._clock.now() + SETTLE)
        else:
            self._settle(key.instance)

    async def _copy(self, segments: AsyncIterator[Segment]) -> None:
        batch: list[Segment] = []
        size = 0
        async for segment in segments:
            batch.append(segment)
            size += len(segment.data) + OVERHEAD
            if size >= BATCH_BYTES:
                await self._deliver(batch)
                batch, size = [], 0
        if batch:
            await self._deliver(batch)

    # -- ends ----------------------------------------------------------------------------------------------------

    def _settle(self, instance: str) -> None:
        """Strike an instance off once it has ended and all of it has arrived."""
        about = self._about.get(instance)
        if self._outstanding[instance] <= 0:
            del self._outstanding[instance]
        else:
            return
        if (about is None or about.has_ended) and not self._is_missing(instance):
            self._held.let_go(instance, _NAME)
            self._about.pop(instance, None)
            self._gone.discard(instance)

    def _is_missing(self, instance: str) -> bool:
        return instance in self._leftovers or any(key.instance == instance for key in self._gaps)


def is_whole(segment: Segment) -> bool:
    """Tell whether a segment is the same however much comes behind it."""
    return segment.data.endswith(b"\n") or len(segment.data) >= SEGMENT_LIMIT
