"""Segments that wait on a disk: first in, first out.

They are this process's alone. Its files have no names (`open(2)`, O_TMPFILE), so they go with it, however it ends.
"""

import logging
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from wfe.model.ids import AttemptKey
from wfe.model.times import from_micros, to_micros
from wfe.ports.logs import STREAMS, Segment

log = logging.getLogger(__name__)

LIMIT: Final = 1024 * 1024 * 1024
FILE_BYTES: Final = 32 * 1024 * 1024
# So much is written at once, and read at once.
PIECE: Final = 512 * 1024
# The bytes of instance, path and data; attempt, stream, offset, and microseconds since the epoch.
_HEADER: Final = Struct(">IIIIBQq")

OpenFile = Callable[[], BinaryIO]


class Spool:
    """Keeps the promise of `ports.logs.Overflow`.

    Args:
        directory: where there is room; None for the system's own (`tempfile.gettempdir`).
        limit: how many bytes it may take there.
    """

    def __init__(self, directory: Path | None = None, *, limit: int = LIMIT) -> None:
        self._directory = directory
        self._limit = limit
        self._parts: deque[_Part] = deque()
        # What is not in a file yet; it comes behind all that is.
        self._pending = bytearray()
        self._oldest: deque[datetime] = deque()
        self._bytes = 0
        self._is_told = False

    @property
    def oldest(self) -> datetime | None:
        """When about the first of what waits was written; None if nothing does."""
        return self._oldest[0] if self._oldest else None

    def add(self, segment: Segment) -> bool:
        """Take a segment; False if there is no room."""
        record = _encoded(segment)
        if self._bytes + len(record) > self._limit or (len(self._pending) >= PIECE and not self._write()):
            return False
        if not self._pending:
            self._oldest.append(segment.at)
        self._pending += record
        self._bytes += len(record)
        return True

    def take(self) -> list[Segment]:
        """Return some of the first, which are here no more; none if there are none.

        Raises:
            OSError: they cannot be read.
        """
        data = self._first_piece()
        if data:
            self._oldest.popleft()
        self._bytes -= len(data)
        return list(_decoded(data))

    def close(self) -> None:
        """Give the room back; what is in it is gone."""
        while self._parts:
            self._parts.popleft().close()
        self._pending.clear()
        self._oldest.clear()
        self._bytes = 0

    def _first_piece(self) -> bytes:
        while self._parts:
            if data := self._parts[0].read():
                return data
            self._parts.popleft().close()
        data, self._pending = bytes(self._pending), bytearray()
        return data

    def _write(self) -> bool:
        try:
            if not self._parts or self._parts[-1].size >= FILE_BYTES:
                file = tempfile.TemporaryFile(buffering=0, dir=self._directory)  # noqa: SIM115 - the part closes it
                self._parts.append(_Part(file))
            self._parts[-1].write(self._pending)
        except OSError as error:
            if not self._is_told:
                log.warning("lines of logs that do not fit into memory cannot wait on the disk: %s", error)
            self._is_told = True
            return False
        self._pending.clear()
        self._is_told = False
        return True


class _Part:
    """A file of pieces, each of whole records."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lengths: deque[int] = deque()
        self._begin = 0
        self.size = 0

    def write(self, piece: bytearray) -> None:
        written = 0
        with memoryview(piece) as view:
            # What was written of a piece before a disk was full is written over.
            while written < len(view):
                written += os.pwrite(self._file.fileno(), view[written:], self.size + written)
        self.size += written
        self._lengths.append(written)

    def read(self) -> bytes:
        """Return the next piece; nothing at the end.

        Raises:
            OSError: not all of it can be read.
        """
        if not self._lengths:
            return b""
        data = os.pread(self._file.fileno(), self._lengths[0], self._begin)
        if len(data) < self._lengths[0]:
            raise OSError("the disk has lost lines of logs that waited on it")
        self._begin += self._lengths.popleft()
        return data

    def close(self) -> None:
        self._file.close()


def _encoded(segment: Segment) -> bytes:
    key = segment.key
    instance, path = (text.encode("utf-8", "surrogatepass") for text in (key.instance, key.path))
    stream, at = STREAMS.index(segment.stream), to_micros(segment.at)
    sizes = len(instance), len(path), len(segment.data)
    return _HEADER.pack(*sizes, key.attempt, stream, segment.offset, at) + instance + path + segment.data


def _decoded(data: bytes) -> Iterator[Segment]:
    place = 0
    while place < len(data):
        *sizes, attempt, stream, offset, at = _HEADER.unpack_from(data, place)
        place += _HEADER.size
        parts = []
        for size in sizes:
            parts.append(data[place : place + size])
            place += size
        instance, path = (part.decode("utf-8", "surrogatepass") for part in parts[:2])
        key = AttemptKey(instance, path, attempt)
        yield Segment(key, STREAMS[stream], offset, parts[2], from_micros(at))
