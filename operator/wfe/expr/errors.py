"""What goes wrong while a value is worked out, and help to say it well."""

from collections.abc import Iterable
from difflib import get_close_matches

from wfe.errors import Permanent

MOST_NAMES = 20


class ExpressionError(Permanent):
    """A value, a condition, a duration or a type that makes no sense; the text says the way out."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "did you mean …? " for a name that is close to a known one, else nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`? " if close else ""


def listing(names: Iterable[str]) -> str:
    """Return names for a message, not too many of them."""
    ordered = sorted(names)
    shown = ", ".join(f"`{name}`" for name in ordered[:MOST_NAMES])
    more = len(ordered) - MOST_NAMES
    if not ordered:
        return "nothing"
    return f"{shown} and {more} more" if more > 0 else shown
