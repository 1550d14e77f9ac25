"""Cuts the bytes of a stream into segments, which are the same however often and in whatever pieces it is read."""

from collections.abc import Callable, Iterator
from datetime import datetime

from wfe.model.ids import AttemptKey
from wfe.ports.logs import SEGMENT_LIMIT, Segment, Stream


class Cutter:
    """One stream of one attempt, from its first byte. A segment ends at a newline or after 16 KiB.

    Args:
        seen: tells when the byte before an offset was seen.
    """

    def __init__(self, key: AttemptKey, stream: Stream, seen: Callable[[int], datetime]) -> None:
        self._key = key
        self._stream = stream
        self._seen = seen
        self._offset = 0
        self._rest = b""

    @property
    def taken(self) -> int:
        """How many bytes have come."""
        return self._offset + len(self._rest)

    def take(self, chunk: bytes) -> Iterator[Segment]:
        """Yield the segments that these bytes complete; what is left behind them waits."""
        data, start = self._rest + chunk, 0
        self._rest = b""
        while True:
            newline = data.find(b"\n", start, start + SEGMENT_LIMIT)
            end = newline + 1 if newline >= 0 else start + SEGMENT_LIMIT
            if end > len(data):
                break
            yield self._segment(data[start:end])
            start = end
        self._rest = data[start:]

    def finish(self) -> Iterator[Segment]:
        """Yield what is left behind the last newline, once nobody writes any more."""
        rest, self._rest = self._rest, b""
        if rest:
            yield self._segment(rest)

    def _segment(self, data: bytes) -> Segment:
        start, self._offset = self._offset, self._offset + len(data)
        return Segment(self._key, self._stream, start, data, self._seen(self._offset))
