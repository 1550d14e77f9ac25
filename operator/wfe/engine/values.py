"""Values that a step's definition takes from the data when it is visited."""

import json

from wfe.errors import Permanent
from wfe.expr.names import MISSING, Names
from wfe.expr.path import lookup as look_up_path
from wfe.expr.template import render
from wfe.model.json import Json


class ValueMissing(Permanent):
    """A path that a step needs leads nowhere."""


def lookup(value: Json, names: Names) -> Json:
    """Return a literal, what a placeholder stands for, or what a `.path` leads to.

    Raises:
        ValueMissing: the path leads nowhere.
        ExpressionError: a placeholder cannot be resolved.
    """
    if isinstance(value, str) and value.startswith("."):
        found = look_up_path(names, value)
        if found is MISSING:
            there = ", ".join(names.known()) or "nothing"
            raise ValueMissing(f"`{value}` is not in the data; there is {there}")
        return found
    return render(value, names)


def as_text(value: Json) -> str:
    """Return a value as the cases of a `switch` see it: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
