"""Logs: bytes of steps, by stream and offset."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wfe.model.ids import AttemptKey

SEGMENT_LIMIT = 16 * 1024


class Stream(StrEnum):
    """Where a step wrote."""

    STDOUT = "stdout"
    STDERR = "stderr"


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
        step: a step, by its path, or a name anywhere in the path.
        since: written at this time or later.
        until: written before this time.
        after: `next` of the page before.
        limit: the most on a page.
    """

    text: str = ""
    instance: str | None = None
    workflow: str | None = None
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


class LogStore(LogReader, Protocol):
    """Keeps logs. A record is known by its attempt, stream and offset: the same again changes nothing."""

    async def append(self, records: Sequence[LogRecord]) -> None:
        """Keep records, in any order; they survive a crash when this returns.

        Raises:
            Retryable: the server cannot be reached; some may have been kept.
        """
        ...

    async def search(self, query: LogQuery) -> LogPage:
        """Return a page across all instances, by time, then attempt, stream and offset.

        Raises:
            Permanent: `after` is no page's `next`.
            Retryable: the server cannot be reached.
        """
        ...

    async def forget(self, instance: str) -> None:
        """Remove all that is kept of an instance."""
        ...
