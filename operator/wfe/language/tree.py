"""A YAML document as a tree that knows where everything stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MERGE: Final = "<<"


@dataclass(slots=True)
class Scalar:
    """A text as written; `plain` without quotes, so that it may mean a number. Lines and columns count from 0."""

    line: int
    column: int
    text: str
    plain: bool = False
    literal: bool = False
    tag: str | None = None
    nodes: int = 1

    @property
    def weight(self) -> int:
        return len(self.text)

    @property
    def place(self) -> tuple[int, int]:
        return self.line, self.column


@dataclass(slots=True)
class Sequence:
    """A list. `nodes` and `weight` count everything in it, aliases as what they stand for."""

    line: int
    column: int
    items: list["Node"]
    nodes: int = 1
    weight: int = 0


@dataclass(slots=True)
class Map:
    """A mapping, its pairs as written: merge keys and double keys too."""

    line: int
    column: int
    pairs: list[tuple[Scalar, "Node"]]
    nodes: int = 1
    weight: int = 0

    def entries(self) -> Mapping[str, tuple[Scalar, "Node"]]:
        """Return the pairs by key, merge keys resolved: explicit keys win, and the first of several merges."""
        found: dict[str, tuple[Scalar, Node]] = {}
        for key, value in self.pairs:
            if not is_merge(key):
                found.setdefault(key.text, (key, value))
        for key, value in self.pairs:
            if is_merge(key):
                for source in value.items if isinstance(value, Sequence) else [value]:
                    if isinstance(source, Map):
                        for name, pair in source.entries().items():
                            found.setdefault(name, pair)
        return found


Node = Scalar | Sequence | Map


def is_merge(key: Scalar) -> bool:
    return key.text == MERGE and key.plain
