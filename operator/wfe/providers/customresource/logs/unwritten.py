"""What the steps of one instance wrote and no object has yet."""

from collections.abc import Collection, Mapping
from typing import Final

from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource.logs.blocks import Block, Line, Source, packed

BLOCK_BYTES: Final = 64 * 1024
HEAD_BYTES: Final = 512 * 1024
TAIL_BYTES: Final = 512 * 1024


class Unwritten:
    """Blocks in memory: a beginning, as far as there is room for it, and an end. What is between them goes."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._fresh: list[Line] = []
        self._fresh_bytes = 0
        self._packed_bytes = 0
        self._ends: dict[Source, int] = {}
        # Where what is here begins, and where the next byte goes.
        self._begin = 0
        self._position = 0
        self._head_room = HEAD_BYTES

    def __bool__(self) -> bool:
        return bool(self._blocks or self._fresh)

    @property
    def is_bare(self) -> bool:
        """Whether it knows nothing that a new one would not."""
        return not self and not self._ends

    @property
    def size(self) -> int:
        """How many bytes of memory it takes, roughly."""
        return self._packed_bytes + self._fresh_bytes

    def add(self, segment: Segment) -> None:
        """Take a segment in, unless it was delivered before."""
        key = segment.key
        line = Line(
            key.path, key.attempt, segment.stream.value, segment.offset, segment.at.timestamp(), segment.data
        )
        if line.offset < self._ends.get(line.source, 0):
            return
        self._ends[line.source] = line.end
        self._take(line)

    def blocks(self) -> list[Block]:
        """Return all there is."""
        self._pack()
        return list(self._blocks)

    def written(self, blocks: Collection[Block]) -> None:
        """Let go of blocks that are in objects by now."""
        gone = {block.begin for block in blocks}
        self._blocks = [block for block in self._blocks if block.begin not in gone]
        self._packed_bytes = sum(block.size for block in self._blocks)
        self._begin = max(self._begin, max((block.end for block in blocks), default=0))

    def follow(self, begin: int, ends: Mapping[Source, int], head_room: int) -> None:
        """Take note of what is in objects: this comes behind it, without what is there already."""
        before, expected = self.blocks(), self._begin
        self._blocks, self._packed_bytes = [], 0
        self._begin = self._position = begin
        self._head_room = head_room
        for block in before:
            self._position += block.begin - expected
            expected = block.end
            for line in block.lines:
                if line.offset >= ends.get(line.source, 0):
                    self._take(line)
            self._pack()
        for source, end in ends.items():
            self._ends[source] = max(end, self._ends.get(source, 0))

    def forget(self, key: AttemptKey) -> None:
        """An attempt will not be read again."""
        for stream in Stream:
            self._ends.pop((key.path, key.attempt, stream.value), None)

    def shorten(self) -> bool:
        """Let go of the oldest block behind the beginning, but for the last of all. False if there is none."""
        self._pack()
        if len(self._blocks) < 2:
            return False
        head = 0
        for place, block in enumerate(self._blocks[:-1]):
            head += block.size
            if head > self._head_room or place == len(self._blocks) - 2:
                del self._blocks[place]
                self._packed_bytes -= block.size
                break
        return True

    def _take(self, line: Line) -> None:
        self._fresh.append(line)
        self._fresh_bytes += len(line.data)
        if self._fresh_bytes >= BLOCK_BYTES:
            self._pack()

    def _pack(self) -> None:
        if not self._fresh:
            return
        block = packed(self._position, self._fresh)
        self._position = block.end
        self._fresh, self._fresh_bytes = [], 0
        self._blocks.append(block)
        self._packed_bytes += block.size
        while self._packed_bytes > self._head_room + TAIL_BYTES and self.shorten():
            pass
