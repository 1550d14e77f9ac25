"""Selections by labels and fields."""

import re
from collections.abc import Callable, Collection
from typing import Any, Final

from wfe.testing.apiserver.refusals import Refused

Object = dict[str, Any]
Matches = Callable[[Object], bool]

# Commas separate requirements, but not inside parentheses.
REQUIREMENTS: Final = re.compile(r",(?![^(]*\))")
SET_BASED: Final = re.compile(r"^(?P<key>\S+)\s+(?P<how>in|notin)\s*\((?P<values>[^)]*)\)$")
EQUALITY: Final = re.compile(r"^(?P<key>[^=!\s]+)\s*(?P<how>==|=|!=)\s*(?P<value>\S*)$")


def by_labels(selector: str) -> Matches:
    """Return whether an object matches a label selector."""
    wanted = [_requirement(part.strip()) for part in REQUIREMENTS.split(selector) if part.strip()]

    def matches(item: Object) -> bool:
        labels = item["metadata"].get("labels") or {}
        return all(holds(labels) for holds in wanted)

    return matches


def _requirement(text: str) -> Callable[[dict[str, str]], bool]:
    if found := SET_BASED.match(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["how"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := EQUALITY.match(text):
        key, value = found["key"], found["value"]
        if found["how"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if text.startswith("!"):
        return lambda labels: text[1:] not in labels
    return lambda labels: text in labels


def by_fields(selector: str, selectable: Collection[str]) -> Matches:
    """Return whether an object matches a field selector; a missing field is the empty text.

    Raises:
        Refused: a field cannot be selected by.
    """
    wanted: list[tuple[str, bool, str]] = []
    for part in filter(None, selector.split(",")):
        found = EQUALITY.match(part.strip())
        if not found or found["key"] not in selectable:
            raise Refused(400, f"field label not supported: {part}")
        wanted.append((found["key"], found["how"] != "!=", found["value"]))

    def matches(item: Object) -> bool:
        return all((_text_at(item, path) == value) == equal for path, equal, value in wanted)

    return matches


def _text_at(item: Any, path: str) -> str:
    for part in path.split("."):
        item = item.get(part) if isinstance(item, dict) else None
    if isinstance(item, bool):
        return str(item).lower()
    return "" if item is None else str(item)
