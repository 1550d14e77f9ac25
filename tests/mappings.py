"""Finds the mappings of a file that a YAML parser has read."""

from collections.abc import Iterable, Iterator
from typing import Any


def mappings_in(value: Any) -> Iterator[dict[Any, Any]]:
    """Yield a value and what is in it, however deep, where it is a mapping."""
    inside: Iterable[Any]
    match value:
        case dict():
            yield value
            inside = value.values()
        case list():
            inside = value
        case _:
            return
    for each in inside:
        yield from mappings_in(each)
