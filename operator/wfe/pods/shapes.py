"""Shapes of plain JSON values: what is allowed, and nothing else. A shape is called with a value and its place."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from wfe.errors import Permanent

Shape = Callable[[Any, str], None]


class PodRefused(Permanent):
    """A manifest holds what no pod of ours may have; the text says where and what."""


def refuse(place: str, what: str) -> PodRefused:
    """Return the refusal of what stands at a place."""
    return PodRefused(f"the pod is refused: {place} {what}")


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """Return the shape of a mapping with these keys and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise refuse(place, "is not a mapping")
        for key in value:
            if key not in known:
                raise refuse(f"{place}.{key}", "is not allowed")
        for key in required:
            if key not in value:
                raise refuse(f"{place}.{key}", "is missing")
        for key, inner in value.items():
            known[key](inner, f"{place}.{key}")

    return check


def each(shape: Shape, *, least: int = 0, most: int = 100) -> Shape:
    """Return the shape of a list of so many such values."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list):
            raise refuse(place, "is not a list")
        if not least <= len(value) <= most:
            raise refuse(place, f"has {len(value)} items, {least} to {most} are allowed")
        for index, inner in enumerate(value):
            shape(inner, f"{place}[{index}]")

    return check


def only(*allowed: Any) -> Shape:
    """Return the shape of one of these values; true is not 1."""

    def check(value: Any, place: str) -> None:
        if not any(type(value) is type(one) and value == one for one in allowed):
            wanted = " or ".join(repr(one) for one in allowed)
            raise refuse(place, f"is {_shown(value)}, only {wanted} is allowed")

    return check


def text(pattern: str = r".*", *, most: int = 1 << 20) -> Shape:
    """Return the shape of a text that the pattern matches wholly."""
    compiled = re.compile(pattern, re.DOTALL)

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or len(value) > most or not compiled.fullmatch(value):
            raise refuse(place, f"is {_shown(value)}, which is not allowed there")

    return check


def number(least: int, most: int) -> Shape:
    """Return the shape of a whole number between two others."""

    def check(value: Any, place: str) -> None:
        if type(value) is not int or not least <= value <= most:
            raise refuse(place, f"is {_shown(value)}, {least} to {most} is allowed")

    return check


def texts(*, most: int = 10_000) -> Shape:
    """Return the shape of a list of texts."""
    return each(text(), most=most)


def mapping(shape: Shape) -> Shape:
    """Return the shape of a mapping from any texts to such values."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise refuse(place, "is not a mapping")
        for key, inner in value.items():
            if not isinstance(key, str):
                raise refuse(place, f"has the key {_shown(key)}")
            shape(inner, f"{place}.{key}")

    return check


def either(key: str, shapes: Mapping[str, Shape]) -> Shape:
    """Return the shape of a mapping with `key` (any text) and exactly one of the others."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise refuse(place, "is not a mapping")
        found = [name for name in value if name != key]
        for name in found:
            if name not in shapes:
                raise refuse(f"{place}.{name}", "is not allowed")
        if len(found) != 1:
            raise refuse(place, f"has {len(found)} of {', '.join(shapes)}, it is to have one")
        record({key: text(), found[0]: shapes[found[0]]})(value, place)

    return check


def _shown(value: Any) -> str:
    return repr(value)[:80]
