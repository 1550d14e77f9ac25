"""Conditions as people read them: `.push equals true and not (.branch matches "^wip")`."""

from collections.abc import Sequence
from typing import Final, assert_never

from wfe.expr.condition import All, AnyOf, Compare, Condition, NoneOf, Not, OneOf
from wfe.model.forms import dump_json

_ALONE: Final = {"is_null": "is null", "is_not_null": "is not null"}


def sentence(condition: Condition) -> str:
    """Return a condition in words, on one line."""
    match condition:
        case Compare(path, operator, value):
            field = path if path.startswith(".") else f".{path}"
            if operator in _ALONE:
                return f"{field} {_ALONE[operator]}"
            return f"{field} {operator.replace('_', ' ')} {dump_json(value)}"
        case All(conditions):
            return _joined(conditions, " and ")
        case AnyOf(conditions):
            return _joined(conditions, " or ")
        case NoneOf(conditions):
            return f"none of ({_joined(conditions, ', ')})"
        case OneOf(conditions):
            return f"exactly one of ({_joined(conditions, ', ')})"
        case Not(inner):
            return f"not ({sentence(inner)})"
        case _:
            assert_never(condition)


def _joined(conditions: Sequence[Condition], word: str) -> str:
    groups = (All, AnyOf)
    return word.join(f"({sentence(one)})" if isinstance(one, groups) else sentence(one) for one in conditions)
