"""Pieces: the objects that an instance's log is kept in, so many of one size, and which block goes where. Pure.

The first ones keep the beginning. When all of them are full, the oldest of the others is written anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from wfe.providers.customresource.logs.blocks import Block
from wfe.providers.customresource.logs.unwritten import HEAD_BYTES, TAIL_BYTES

PIECE_BYTES: Final = 128 * 1024
HEAD_PIECES: Final = HEAD_BYTES // PIECE_BYTES
PIECES: Final = HEAD_PIECES + TAIL_BYTES // PIECE_BYTES


@dataclass(frozen=True, slots=True)
class Piece:
    """An object.

    Attributes:
        begin, end: where its first block begins, and the last one ends.
        size: the bytes of its blocks.
        version: its resourceVersion.
    """

    number: int
    begin: int
    end: int
    size: int
    version: str


def piece_of(number: int, blocks: Sequence[Block], version: str) -> Piece:
    """Return the piece that has these blocks."""
    begin = min((block.begin for block in blocks), default=0)
    end = max((block.end for block in blocks), default=0)
    return Piece(number, begin, end, sum(block.size for block in blocks), version)


@dataclass(frozen=True, slots=True)
class Write:
    """What is to be written to one object: all it has, or, with `adds`, more of it."""

    number: int
    adds: bool
    blocks: list[Block] = field(default_factory=list)

    def applied(self, before: Piece | None, *, version: str) -> Piece:
        """Return what the piece is afterwards."""
        piece = piece_of(self.number, self.blocks, version)
        if before is None or not self.adds:
            return piece
        return replace(piece, begin=before.begin, size=before.size + piece.size)


def end_of(pieces: Sequence[Piece]) -> int:
    """Return how long a log is, with what is missing of it."""
    return max((piece.end for piece in pieces), default=0)


def head_room(pieces: Sequence[Piece]) -> int:
    """Return how many more bytes of the beginning can be kept."""
    return max(0, HEAD_BYTES - sum(piece.size for piece in pieces)) if len(pieces) <= HEAD_PIECES else 0


def plan(pieces: Sequence[Piece], blocks: Sequence[Block]) -> list[Write]:
    """Return where blocks go, in the order in which it is to be written."""
    begins = {piece.number: piece.begin for piece in pieces}
    last = max(pieces, key=lambda piece: piece.begin, default=Piece(-1, 0, 0, PIECE_BYTES, ""))
    number, room = last.number, PIECE_BYTES - last.size
    writes: dict[int, Write] = {}
    for block in blocks:
        if block.size > room:
            number, room = _next(begins), PIECE_BYTES
            begins[number] = block.begin
            writes.pop(number, None)
            writes[number] = Write(number, adds=False)
        elif number not in writes:
            writes[number] = Write(number, adds=True)
        writes[number].blocks.append(block)
        room -= block.size
    return list(writes.values())


def _next(begins: dict[int, int]) -> int:
    if len(begins) < PIECES:
        return len(begins)
    return min(range(HEAD_PIECES, PIECES), key=lambda number: begins[number])
