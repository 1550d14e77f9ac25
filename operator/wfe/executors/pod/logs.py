"""The log of an isolated pod, as well as it can be read: one stream, since nobody tells stdout from stderr there.

It is read with timestamps, from its first byte, so that offsets are the same however often; a log that the kubelet has
rotated begins later. What may be the frame of outputs at its end is held back until somebody says that it was none.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from wfe.executors.pod.results import FRAME, FRAME_LIMIT
from wfe.model.ids import AttemptKey
from wfe.ports.logs import SEGMENT_LIMIT, Segment, Stream

_STAMP_LIMIT: Final = 40


class LogCut:
    """Cuts the bytes of a log, which come in any pieces, into segments."""

    def __init__(self, key: AttemptKey, now: datetime) -> None:
        self._key = key
        self._at = now
        self._offset = 0
        self._raw = b""
        self._line_begins = True
        self._rest = b""
        self._held: bytearray | None = None

    def feed(self, piece: bytes) -> Iterator[Segment]:
        """Yield the segments that this piece completes."""
        self._raw += piece
        while self._raw:
            if self._line_begins and not self._take_stamp():
                return
            end = self._raw.find(b"\n") + 1
            if not end and not self._rest and self._held is None and len(self._raw) < len(FRAME):
                return
            taken, self._raw = (self._raw[:end], self._raw[end:]) if end else (self._raw, b"")
            self._line_begins = bool(end)
            yield from self._take(taken)

    def finish(self) -> Iterator[Segment]:
        """Yield what is left behind the last newline, if it is no frame."""
        self._rest += self._raw
        self._raw = b""
        if self._rest:
            yield self._segment(self._rest)
            self._rest = b""

    @property
    def held(self) -> bytes:
        """What is held back: a frame of outputs, or what looks like one."""
        return bytes(self._held or b"")

    def let_go(self) -> Iterator[Segment]:
        """Yield what was held back: it was no frame."""
        held, self._held = self.held, None
        for line in held.splitlines(keepends=True):
            yield from self._cut(line)
        yield from self.finish()

    def _take_stamp(self) -> bool:
        """Take the time off the beginning of a line; false while it has not come whole."""
        stamp, space, rest = self._raw.partition(b" ")
        if not space and len(self._raw) < _STAMP_LIMIT:
            return False
        try:
            self._at = datetime.fromisoformat(stamp.decode("ascii"))
        except ValueError:
            # The kubelet's own words, as that the log is gone.
            return True
        self._raw = rest
        self._line_begins = False
        return True

    def _take(self, taken: bytes) -> Iterator[Segment]:
        if self._held is None and not self._rest and taken.startswith(FRAME):
            self._held = bytearray()
        if self._held is None:
            yield from self._cut(taken)
            return
        self._held += taken
        if len(self._held) > FRAME_LIMIT:
            yield from self.let_go()

    def _cut(self, taken: bytes) -> Iterator[Segment]:
        self._rest += taken
        while len(self._rest) >= SEGMENT_LIMIT:
            yield self._segment(self._rest[:SEGMENT_LIMIT])
            self._rest = self._rest[SEGMENT_LIMIT:]
        if self._rest.endswith(b"\n"):
            yield self._segment(self._rest)
            self._rest = b""

    def _segment(self, data: bytes) -> Segment:
        start, self._offset = self._offset, self._offset + len(data)
        return Segment(self._key, Stream.STDOUT, start, data, self._at)
