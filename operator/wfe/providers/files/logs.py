"""Reads what steps wrote from the files they wrote it to.

Segments come in the order of their times, which are those of the engine's looks (see `supervisor.times`): within a
tenth of a second the order between streams is a guess, stdout first; the order within a stream is exact.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream, names_in
from wfe.supervisor.layout import CLAIM, END, UNMASKED, attempts
from wfe.supervisor.tail import Tail
from wfe.supervisor.times import KeptTimes

_EVERY: Final = timedelta(milliseconds=100)


async def _unknown(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class FileLogs:
    """Keeps the promise of `ports.logs.LogReader`.

    Attributes:
        root: the state directory of the executor that ran the steps.
        has_ended: tells whether an instance will start no more steps; whoever follows needs it.
        every: how often files are looked at while following.
    """

    root: Path
    has_ended: Callable[[str], Awaitable[bool]] = _unknown
    every: timedelta = _EVERY

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        """Yield segments in time order; with `follow`, go on until the instance has ended."""
        found: dict[Path, _Attempt] = {}
        try:
            while True:
                # Asked before looking, so that what was written last is still found.
                over = not follow or await self.has_ended(instance)
                for key, directory in attempts(self.root, instance):
                    if directory not in found and (step is None or step in names_in(key.path)):
                        found[directory] = _Attempt(key, directory)
                for segment in _in_order(list(found.values()), over=over):
                    yield segment
                if over:
                    return
                await asyncio.sleep(self.every.total_seconds())
        finally:
            for attempt in found.values():
                attempt.close()


@dataclass(slots=True)
class _Attempt:
    key: AttemptKey
    directory: Path
    done: bool = False
    _tails: list[Tail] = field(default_factory=list)

    def started(self) -> float:
        """Return a time before any of its output; attempts are opened in this order, few at a time."""
        try:
            return (self.directory / CLAIM).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def segments(self, *, over: bool) -> Iterator[Segment]:
        """Yield what is new; nothing as long as values of secrets may be in it."""
        if (self.directory / UNMASKED).exists():
            return
        ended = (self.directory / END).exists()
        if not self._tails:
            self._tails = [
                Tail(self.directory, self.key, stream, KeptTimes(self.directory, stream)) for stream in Stream
            ]
        yield from heapq.merge(*(_rest(tail, ended or over) for tail in self._tails), key=_time)
        if ended or over:
            self.done = True
            self.close()

    def close(self) -> None:
        """Let go of the files."""
        for tail in self._tails:
            tail.close()


def _rest(tail: Tail, finished: bool) -> Iterator[Segment]:
    while tail.has_more():
        yield from tail.read()
    if finished:
        yield from tail.finish()


def _in_order(every: list[_Attempt], *, over: bool) -> Iterator[Segment]:
    """Merge attempts by time, opening each no sooner than its turn comes."""
    waiting = sorted((a for a in every if not a.done), key=lambda attempt: attempt.started())
    heap: list[tuple[float, int, Segment, Iterator[Segment]]] = []
    for number, attempt in enumerate(waiting):
        while heap and heap[0][0] < attempt.started():
            yield _advance(heap)
        segments = attempt.segments(over=over)
        first = next(segments, None)
        if first is not None:
            heapq.heappush(heap, (first.at.timestamp(), number, first, segments))
    while heap:
        yield _advance(heap)


def _advance(heap: list[tuple[float, int, Segment, Iterator[Segment]]]) -> Segment:
    _, number, segment, segments = heap[0]
    following = next(segments, None)
    if following is None:
        heapq.heappop(heap)
    else:
        heapq.heapreplace(heap, (following.at.timestamp(), number, following, segments))
    return segment


def _time(segment: Segment) -> float:
    return segment.at.timestamp()
