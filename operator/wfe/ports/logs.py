"""Logs: bytes of steps, by stream and offset."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from re import split
from typing import Final, Protocol

from wfe.errors import Permanent
from wfe.model.ids import AttemptKey

SEGMENT_LIMIT = 16 * 1024


class Stream(StrEnum):
    """Where a step wrote."""

    STDOUT = "stdout"
    STDERR = "stderr"


STREAMS: Final = tuple(Stream)


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes as the step wrote them: up to a newline, or 16 KiB; offsets therefore repeat exactly."""

    key: AttemptKey
    stream: Stream
    offset: int
    data: bytes
    at: datetime


class LogSink(Protocol):
    """Takes what steps write, once per offset and in order for each stream."""

    async def write(self, segment: Segment) -> None: ...


class LogReader(Protocol):
    """Reads what was kept."""

    def read(self, instance: str, *, step: str | None = None, follow: bool = False) -> AsyncIterator[Segment]:
        """Yield segments in time order; with `follow`, go on until the instance's steps have ended."""
        ...


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A segment, and of what: what a log is searched by."""

    segment: Segment
    instance_name: str
    workflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which records to find.

    Attributes:
        text: what the text of the segment has to contain, as it stands, in any case. "" finds everything.
        instance: the id of an instance.
        workflow: the id of a workflow.
        namespace: only instances of this namespace of a cluster, which are kept under NAMESPACE/NAME.
        step: a step, by its path, or a name anywhere in the path.
        since: written at this time or later.
        until: written before this time.
        after: `next` of the page before.
        limit: the most on a page.
    """

    text: str = ""
    instance: str | None = None
    workflow: str | None = None
    namespace: str | None = None
    step: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class LogPage:
    """What was found, oldest first, and where the next page begins; None if there is none."""

    found: Sequence[LogRecord]
    next: str | None


class Overflow(Protocol):
    """Takes segments that do not fit into memory, and gives them back in the same order."""

    @property
    def oldest(self) -> datetime | None:
        """When about the first of them was written; None if there are none."""
        ...

    def add(self, segment: Segment) -> bool:
        """Take a segment; False if there is no room."""
        ...

    def take(self) -> list[Segment]:
        """Return some of the first, which are here no more; none if there are none.

        Raises:
            OSError: they cannot be read.
        """
        ...

    def close(self) -> None:
        """Give the room back; what is in it is gone."""
        ...


class NoOverflow:
    """Has no room."""

    oldest: Final = None

    def add(self, segment: Segment) -> bool:  # noqa: ARG002
        return False

    def take(self) -> list[Segment]:
        return []

    def close(self) -> None: ...


class RecordsRefused(Permanent):
    """Some of the records can never be kept, and the text says why. All others are kept."""

    def __init__(self, message: str, count: int) -> None:
        super().__init__(message)
        self.count = count


class LogStore(Protocol):
    """Keeps logs. A record is known by its attempt, stream and offset: the same again changes nothing."""

    async def append(self, records: Sequence[LogRecord]) -> None:
        """Keep records, in any order; they survive a crash when this returns.

        Raises:
            RecordsRefused: some of them can never be kept.
            Permanent: nothing can be kept before somebody changes something.
            Retryable: the server cannot be reached; some may have been kept.
        """
        ...

    def read(
        self, instance: str, *, step: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Segment]:
        """Yield the segments of an instance that are kept now, in the order of `place_in_time`.

        Args:
            step: only this one, by its path, or a name anywhere in the path.
            since: written at this time or later.

        Raises:
            Retryable: the server cannot be reached.
        """
        ...

    async def search(self, query: LogQuery) -> LogPage:
        """Return a page across all instances, in the order of `place_in_time`.

        What was kept is found within about a second.

        Raises:
            Permanent: `after` is no page's `next`.
            Retryable: the server cannot be reached.
        """
        ...

    async def forget(self, instance: str) -> None:
        """Remove all that is kept of an instance."""
        ...

    async def expire(self, *, before: datetime) -> None:
        """Remove what was written before.

        What is kept together (a day, an attempt) goes when all of it is older, so some may stay longer.
        """
        ...


Place = tuple[datetime, str, str, int, int, int]


def place_in_time(segment: Segment) -> Place:
    """Return what segments are ordered by: time, attempt, stream (stdout first) and offset."""
    key = segment.key
    return segment.at, key.instance, key.path, key.attempt, STREAMS.index(segment.stream), segment.offset


def in_true_order(segments: Iterable[Segment]) -> list[Segment]:
    """Return segments in the order of their times, and those of one stream in the order they were written in.

    Bytes were written no later than those behind them, whatever time somebody put on them who read them again.
    """
    times: dict[tuple[AttemptKey, Stream], datetime] = {}
    told: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: segment.offset, reverse=True):
        stream = segment.key, segment.stream
        at = times[stream] = min(segment.at, times.get(stream, segment.at))
        told.append(segment if at == segment.at else replace(segment, at=at))
    return sorted(told, key=place_in_time)


def text_of(data: bytes) -> str:
    """Return the text that a segment is searched by; what is no UTF-8 is there as replacement characters."""
    return data.decode("utf-8", "replace")


def has_text(data: bytes, text: str) -> bool:
    """Tell whether a segment contains a text, in any case."""
    return text.lower() in text_of(data).lower()


@lru_cache(maxsize=4096)
def names_in(path: str) -> frozenset[str]:
    """Return what a step may be asked for by: its path, and each name in it without its numbers."""
    return frozenset({path, *filter(None, split(r"(?:\[\d+\]|#\d+)?/|(?:\[\d+\]|#\d+)$", path))})
