"""Reading logs that are kept, also while they are being written, and together with those of this machine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from wfe.errors import WfeError
from wfe.model.ids import AttemptKey
from wfe.ports.clock import Clock
from wfe.ports.logs import LogReader, LogStore, Segment, Stream, place_in_time

LOOK: Final = timedelta(milliseconds=300)
SETTLE: Final = timedelta(seconds=2)
# What is written at about the same time is kept by several processes, in any order.
OVERLAP: Final = timedelta(seconds=5)


class Seen:
    """What was read of each stream: its segments come in order, so the end of the last one says it all."""

    def __init__(self) -> None:
        self._ends: dict[tuple[AttemptKey, Stream], int] = {}

    def is_new(self, segment: Segment) -> bool:
        """Tell whether a segment was not read before; from now on it was."""
        stream = segment.key, segment.stream
        if segment.offset < self._ends.get(stream, 0):
            return False
        self._ends[stream] = segment.offset + max(len(segment.data), 1)
        return True


class StoredLogs:
    """Keeps the promise of `ports.logs.LogReader` over a keeper of logs.

    Args:
        has_ended: tells whether an instance starts no more steps.
    """

    def __init__(self, store: LogStore, clock: Clock, has_ended: Callable[[str], Awaitable[bool]]) -> None:
        self._store = store
        self._clock = clock
        self._has_ended = has_ended

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        """Yield segments in time order; with `follow`, go on until the instance has ended."""
        seen = Seen()
        since = None
        while True:
            # Asked before looking, so that what was written last is still found.
            over = not follow or await self._has_ended(instance)
            if over and follow:
                # What was written last may still be on its way.
                await self._clock.sleep_until(self._clock.now() + SETTLE)
            # What came late is found in the end, whenever it was written.
            async for segment in self._store.read(instance, step=step, since=None if over else since):
                if seen.is_new(segment):
                    since = segment.at - OVERLAP
                    yield segment
            if over:
                return
            await self._clock.sleep_until(self._clock.now() + LOOK)


class JoinedLogs:
    """Two readers as one: the logs of this machine, and those that are kept of all."""

    def __init__(self, here: LogReader, kept: LogReader) -> None:
        self._readers = (here, kept)

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        """Yield every segment once; in time order, but for what is followed, which comes as it is found."""
        streams = [aiter(reader.read(instance, step=step, follow=follow)) for reader in self._readers]
        seen = Seen()
        joined = _as_they_come(streams) if follow else _in_order(streams)
        async with aclosing(joined) as segments:
            async for segment in segments:
                if seen.is_new(segment):
                    yield segment


async def _in_order(streams: "list[AsyncIterator[Segment]]") -> AsyncGenerator[Segment, None]:
    heads = [(await anext(stream, None), stream) for stream in streams]
    while waiting := [(place_in_time(head), number) for number, (head, _) in enumerate(heads) if head]:
        _, number = min(waiting)
        head, stream = heads[number]
        if head is not None:
            yield head
        heads[number] = (await anext(stream, None), stream)


async def _as_they_come(streams: "list[AsyncIterator[Segment]]") -> AsyncGenerator[Segment, None]:
    found: asyncio.Queue[Segment | WfeError | None] = asyncio.Queue(100)
    pumps = [asyncio.create_task(_pump(stream, found)) for stream in streams]
    left = len(pumps)
    try:
        while left:
            match await found.get():
                case Segment() as segment:
                    yield segment
                case None:
                    left -= 1
                case error:
                    raise error
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(stream: AsyncIterator[Segment], found: "asyncio.Queue[Segment | WfeError | None]") -> None:
    try:
        async for segment in stream:
            await found.put(segment)
    except WfeError as error:
        await found.put(error)
    await found.put(None)
