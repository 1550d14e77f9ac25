"""Reads the bytes of a growing file as segments, once each, in bounded memory."""

import os
from pathlib import Path

from wfe.model.ids import AttemptKey
from wfe.ports.logs import SEGMENT_LIMIT, Segment, Stream
from wfe.supervisor.cutter import Cutter
from wfe.supervisor.times import Times

CHUNK = 4 * SEGMENT_LIMIT


class Tail:
    """One stream of one attempt, from its first byte.

    A segment ends at a newline or after 16 KiB, so segments are the same however often the file is read. A
    step that reopens its stream, as in `> /dev/stderr`, empties the file; the offsets go on all the same.
    """

    def __init__(self, directory: Path, key: AttemptKey, stream: Stream, times: Times) -> None:
        self._path = directory / stream
        self._times = times
        self._cutter = Cutter(key, stream, times.of)
        self._file: int | None = None
        self._position = 0

    def read(self) -> list[Segment]:
        """Return the segments that one chunk of new bytes completes; nothing new is an empty list."""
        chunk = self._chunk()
        return list(self._cutter.take(chunk)) if chunk else []

    def finish(self) -> list[Segment]:
        """Return what is left behind the last newline, once nobody writes any more."""
        return list(self._cutter.finish())

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def has_more(self) -> bool:
        """Tell whether a read would find bytes."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        size = os.fstat(self._file).st_size
        if size < self._position:
            self._position = 0
        return size > self._position

    def _chunk(self) -> bytes:
        if not self.has_more() or self._file is None:
            return b""
        chunk = os.pread(self._file, CHUNK, self._position)
        self._position += len(chunk)
        self._times.note(self._cutter.taken + len(chunk))
        return chunk
