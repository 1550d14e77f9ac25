"""Logs: bytes of steps, by stream and offset."""

from collections.abc import AsyncIterator
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
