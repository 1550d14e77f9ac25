"""Leaving out what is wrong, so that the rest can be read and checked too.

Only keys of mappings are left out, and a step in a list becomes an empty one, so that places keep their meaning.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from wfe.definition.findings import Where
from wfe.definition.sentences import ELSEWHERE
from wfe.definition.step import CONSTRUCTS, ROLES

_STEP_LISTS: Final = frozenset({"steps", "parallel", "sequence", "saga", "then", "else", "default"})
_STRUCTURE: Final = frozenset(
    {
        *CONSTRUCTS,
        *ROLES,
        *_STEP_LISTS,
        "inputs",
        "outputs",
        "config",
        "type",
        "as",
        "output",
        "collect",
        "cases",
    }
)


def to_leave_out(loc: Where, kind: str, raw: Any) -> Where | None:
    """Return the place to leave out because of an error there; None if nothing can be left out."""
    if kind == "missing" or (loc and loc[-1] == "[key]"):
        loc = loc[:-1]
    while loc and not _is_there(raw, loc):
        loc = loc[:-1]
    while loc and isinstance(loc[-1], int) and not _is_step(loc):
        loc = loc[:-1]
    return loc or None


def _is_step(loc: Where) -> bool:
    return len(loc) > 1 and (loc[-2] in _STEP_LISTS or (len(loc) > 2 and loc[-3] == "cases"))


def _is_there(raw: Any, loc: Where) -> bool:
    for part in loc:
        if isinstance(raw, Mapping):
            there = part in raw
        else:
            there = isinstance(raw, list) and isinstance(part, int) and part < len(raw)
        if not there:
            return False
        raw = raw[part]
    return True


def step_around(loc: Where) -> Where:
    """Return the place of the step that a place is in; nothing, if it is in none."""
    ends = [end for end in range(2, len(loc)) if isinstance(loc[end - 1], int) and _is_step(loc[:end])]
    hooks = [end for end in range(1, len(loc)) if loc[end - 1] in ROLES]
    return loc[: max([0, *ends, *hooks])]


def is_structure(loc: Where, kind: str) -> bool:
    """Return whether leaving it out may take names or steps away."""
    key = loc[-1]
    if isinstance(key, int) or key in _STRUCTURE or loc[0] in {"inputs", "outputs"}:
        return True
    # A key that is not known may be one of these with a typo.
    return (
        kind == "extra_forbidden"
        and key not in ELSEWHERE
        and bool(get_close_matches(key, _STRUCTURE, 1, 0.7))
    )


def without(raw: Any, loc: Where) -> Any:
    """Return the value without what is at a place; the value itself stays as it is."""
    if not _is_there(raw, loc):
        return raw
    head, rest = loc[0], loc[1:]
    if isinstance(raw, Mapping):
        if rest:
            return {**raw, head: without(raw[head], rest)}
        return {key: value for key, value in raw.items() if key != head}
    changed = list(raw)
    changed[int(head)] = without(changed[int(head)], rest) if rest else {}
    return changed
