"""Finding a text as it stands, by an index that knows only words.

The index has the runs of a line: what is between blanks, punctuation, signs and control characters, in lower case,
at most 255 characters long. What a line with the text must have follows from the runs of ASCII letters and digits
in it: whole ones where the text itself says where they begin and end, beginnings, ends or parts of others. Whether
the text is there is then seen in the bytes: this narrows, and decides nothing.

A line with a longer run is marked (`is_long`), since its runs are cut somewhere, and always looked at.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

LONGEST_RUN: Final = 255
_RUN: Final = re.compile(r"[0-9a-z]+")
_LONG: Final = re.compile(rb"[0-9A-Za-z\x80-\xff]{256}")
Condition = dict[str, Any]


def is_long(data: bytes) -> bool:
    """Tell whether a run in these bytes may be longer than the index keeps in one piece."""
    return len(data) > LONGEST_RUN and _LONG.search(data) is not None


def conditions(text: str) -> Sequence[Condition]:
    """Return what narrows a search to lines that may contain the text; nothing if there is no such thing."""
    lower = text.lower()
    runs = [_condition(lower, found) for found in _RUN.finditer(lower) if len(found[0]) <= LONGEST_RUN]
    # The end of a run is looked for in all there are, so it is left alone if something better is known.
    cheap = [condition for condition, is_cheap in runs if is_cheap]
    chosen = cheap or [condition for condition, _ in runs[:1]]
    if not chosen:
        return []
    every = {"bool": {"filter": chosen}}
    return [{"bool": {"should": [every, {"term": {"is_long": True}}], "minimum_should_match": 1}}]


def _condition(text: str, found: re.Match[str]) -> tuple[Condition, bool]:
    begins = _parts(text[max(found.start() - 1, 0) : found.start()])
    ends = _parts(text[found.end() : found.end() + 1])
    if begins and ends:
        return {"term": {"text": {"value": found[0]}}}, True
    pattern = f"{'' if begins else '*'}{found[0]}{'' if ends else '*'}"
    return {"wildcard": {"text": {"value": pattern}}}, begins


def _parts(neighbour: str) -> bool:
    """Tell whether a run surely ends at this character: only of ASCII is that known."""
    return neighbour.isascii() and neighbour != ""
