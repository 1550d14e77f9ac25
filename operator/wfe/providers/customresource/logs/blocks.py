"""Blocks: segments of an instance's log, compressed, each known by where it begins in that log. Pure.

Between the end of a block and the beginning of the next one bytes are missing, and that many.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream

Source = tuple[str, int, str]
_LEVEL: Final = 6


class Line(msgspec.Struct, array_like=True):
    """A segment as it is kept."""

    path: str
    attempt: int
    stream: str
    offset: int
    at: float
    data: bytes

    @property
    def source(self) -> Source:
        """The stream that it is a part of."""
        return self.path, self.attempt, self.stream

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.offset + len(self.data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Line])


@dataclass(frozen=True, slots=True)
class Block:
    """Lines in the order in which they came.

    Attributes:
        begin: how many bytes of the instance's log come before it.
        raw: how many bytes were written, and `blob` what has become of them.
    """

    begin: int
    raw: int
    blob: bytes

    @property
    def end(self) -> int:
        """Where the next one begins, if nothing is missing."""
        return self.begin + self.raw

    @property
    def size(self) -> int:
        """The bytes it takes."""
        return len(self.blob)

    @property
    def lines(self) -> list[Line]:
        """What is in it."""
        return _DECODER.decode(zlib.decompress(self.blob))


def packed(begin: int, lines: Sequence[Line]) -> Block:
    """Make a block of lines."""
    raw = sum(len(line.data) for line in lines)
    return Block(begin, raw, zlib.compress(_ENCODER.encode(lines), _LEVEL))


def found(begin: int, blob: bytes) -> Block:
    """Return the block that was stored as this."""
    block = Block(begin, 0, blob)
    return Block(begin, sum(len(line.data) for line in block.lines), blob)


def ends_of(blocks: Iterable[Block]) -> dict[Source, int]:
    """Return up to which offset each stream is in some blocks."""
    ends: dict[Source, int] = {}
    for block in blocks:
        for line in block.lines:
            ends[line.source] = max(line.end, ends.get(line.source, 0))
    return ends


def segments(instance: str, blocks: Iterable[Block], *, marks: bool = True) -> list[Segment]:
    """Return what was written in the order of time; with `marks`, a line says how much where something is missing."""
    found = _segments(instance, sorted(blocks, key=lambda one: one.begin), marks=marks)
    return sorted(found, key=lambda one: one.at)


def _segments(instance: str, blocks: Iterable[Block], *, marks: bool) -> Iterator[Segment]:
    last: Segment | None = None
    end = 0
    for block in blocks:
        missing, end = block.begin - end, block.end
        if marks and missing > 0 and last is not None:
            text = f"[{missing} bytes of log are not kept]\n".encode()
            last = Segment(last.key, last.stream, last.offset + len(last.data), text, last.at)
            yield last
        for line in block.lines:
            key = AttemptKey(instance, line.path, line.attempt)
            at = datetime.fromtimestamp(line.at, UTC)
            last = Segment(key, Stream(line.stream), line.offset, line.data, at)
            yield last
