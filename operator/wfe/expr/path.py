"""Dotted paths into the data: `.a.b.0`. A leading `inputs` or `outputs` is for readers, and is dropped."""

from collections.abc import Sequence
from typing import Final

from wfe.expr.names import MISSING, Missing, Names
from wfe.model.json import Json

DROPPED: Final = frozenset({"inputs", "outputs"})
VARIABLES: Final = "var"


def split(path: str) -> tuple[str, ...]:
    """Return the segments of a path, without a leading `inputs` or `outputs`."""
    return normalize(tuple(path.removeprefix(".").split(".")))


def normalize(segments: tuple[str, ...]) -> tuple[str, ...]:
    """Drop a leading `inputs` or `outputs`."""
    return segments[1:] if len(segments) > 1 and segments[0] in DROPPED else segments


def lookup(names: Names, path: str | Sequence[str]) -> Json | Missing:
    """Return what a path leads to: in the loop item, the data, then variables; `var.x` in variables only."""
    segments = split(path) if isinstance(path, str) else tuple(path)
    if segments[0] == VARIABLES and len(segments) > 1:
        return descend(names.variable(segments[1]), segments[2:])
    found = names.value(segments[0])
    if found is MISSING:
        found = names.variable(segments[0])
    return descend(found, segments[1:])


def descend(value: Json | Missing, segments: Sequence[str]) -> Json | Missing:
    """Return what the segments lead to inside a value: keys of objects, positions in lists."""
    for segment in segments:
        if isinstance(value, dict):
            value = value.get(segment, MISSING)
        elif isinstance(value, list) and segment.isascii() and segment.isdigit() and len(segment) < 10:
            position = int(segment)
            value = value[position] if position < len(value) else MISSING
        else:
            return MISSING
    return value
