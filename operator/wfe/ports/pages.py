"""Where the next page begins, as a text that callers hand back and do not look into."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from wfe.errors import Permanent


class PageUnknown(Permanent):
    """The text is not `next` of any page."""


def page_after(*place: str | int) -> str:
    """Return the text that says: what comes after this place."""
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def place_of(page: str, *kinds: type) -> tuple[Any, ...]:
    """Return the place that `page_after` was given, whose values are of these kinds.

    Raises:
        PageUnknown: it was not made so.
    """
    try:
        place = json.loads(urlsafe_b64decode(page.encode()))
    except ValueError:
        place = None
    if not isinstance(place, list) or list(map(type, place)) != list(kinds):
        raise PageUnknown(f"`{page[:80]}` is no place to go on from; use `next` of the page before")
    return tuple(place)


def moment_of(text: str) -> datetime:
    """Return a time that is part of a place.

    Raises:
        PageUnknown: it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise PageUnknown(f"`{text[:80]}` is no time to go on from; use `next` of the page before") from error
