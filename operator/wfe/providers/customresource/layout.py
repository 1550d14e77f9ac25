"""Where the parts of one instance lie: in its status, or in chunks beside it.

The status holds what changes: at most `BUDGET` bytes of parts. Above that, the parts that were not written for the
longest time go to a chunk, an immutable object with many of them, and a part too big for the status goes there at
once. A part is where it was written last: the status before any chunk, a later chunk before an earlier one; what
the instance no longer has and a chunk still holds is listed as gone. A chunk without a living part is not referred
to any more. Many small chunks become one. So what a save writes is the size of what changed, and the status stays
small however large the instance is.

This is the plan alone: names and sizes. It is pure, and the texts come from the instance.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

BUDGET: Final = 12 * 1024
KEPT_AFTER: Final = 6 * 1024
BIG: Final = 4 * 1024
FULL: Final = 256 * 1024
MOST_CHUNKS: Final = 16
FEWEST_TO_JOIN: Final = 4
MOST_GONE: Final = 64


@dataclass(slots=True)
class Chunk:
    """What one chunk holds, how much of it is in use, and its size before compression."""

    names: tuple[str, ...]
    size: int
    alive: int = 0


@dataclass(slots=True)
class Layout:
    """The parts of an instance by where they are.

    Attributes:
        inline: sizes of the parts in the status, the one that was written first in front.
        chunks: the chunks, the oldest in front.
        where: the chunk in which a part is; parts in the status are not here.
        gone: the parts that a chunk holds and the instance does not have.
        total: the bytes of the parts in the status.
    """

    inline: dict[str, int] = field(default_factory=dict)
    chunks: dict[str, Chunk] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    total: int = 0
    _holders: dict[str, int] = field(default_factory=dict)

    @classmethod
    def found(
        cls, inline: Mapping[str, int], chunks: Mapping[str, Mapping[str, int]], gone: Iterable[str]
    ) -> "Layout":
        """Return the layout of a stored status."""
        layout = cls()
        for chunk, sizes in chunks.items():
            layout.place(chunk, sizes, sum(sizes.values()))
        layout.write({**dict.fromkeys(gone), **inline})
        return layout

    def write(self, sizes: Mapping[str, int | None]) -> list[str]:
        """Take in what a save writes (None: gone), and return the parts that have to go to a chunk."""
        big = []
        for name, size in sizes.items():
            self._leave(name)
            if size is None:
                if name in self._holders:
                    self.gone.add(name)
            elif size > BIG:
                big.append(name)
            else:
                self.inline[name] = size
                self.total += size
        return [*big, *self._longest_unwritten()]

    def _leave(self, name: str) -> None:
        self.total -= self.inline.pop(name, 0)
        self.gone.discard(name)
        chunk = self.where.pop(name, None)
        if chunk is not None:
            self.chunks[chunk].alive -= 1

    def _longest_unwritten(self) -> list[str]:
        names: list[str] = []
        left = self.total
        if left > BUDGET:
            for name, size in self.inline.items():
                if left <= KEPT_AFTER:
                    break
                names.append(name)
                left -= size
        return names

    def crowded(self) -> list[str]:
        """Return the parts to write into chunks anew, because there are too many chunks or too much is gone."""
        chosen: list[str] = []
        if len(self.gone) > MOST_GONE:
            chosen = [name for name, chunk in self.chunks.items() if chunk.alive < len(chunk.names)]
        elif len(self.chunks) > MOST_CHUNKS:
            small = [name for name, chunk in self.chunks.items() if chunk.size < FULL // 2]
            chosen = small if len(small) >= FEWEST_TO_JOIN else []
        return [name for chunk in chosen for name in self.alive_in(chunk)]

    def alive_in(self, chunk: str) -> list[str]:
        """Return the parts that are in a chunk."""
        return [name for name in self.chunks[chunk].names if self.where.get(name) == chunk]

    def place(self, chunk: str, names: Iterable[str], size: int) -> None:
        """Put parts into a new chunk."""
        held = tuple(names)
        for name in held:
            self._leave(name)
            self.where[name] = chunk
            self._holders[name] = self._holders.get(name, 0) + 1
        self.chunks[chunk] = Chunk(held, size, len(held))

    def tidy(self) -> list[str]:
        """Forget the chunks in which nothing lives, and return them."""
        dead = [name for name, chunk in self.chunks.items() if not chunk.alive]
        for chunk in dead:
            for name in self.chunks.pop(chunk).names:
                self._holders[name] -= 1
                if not self._holders[name]:
                    del self._holders[name]
                    self.gone.discard(name)
        return dead
