"""Conditions, as `when`, `if`, `while` and `recur` have them: comparisons of data, and combinations of them.

A field that is missing makes its own comparison false, and no other (`is_null` is true for it). Numbers are
equal whatever their kind, 5 and 5.0; truth values are no numbers. What cannot be compared is an error.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from wfe.expr.errors import ExpressionError
from wfe.expr.names import MISSING, Missing, Names
from wfe.expr.path import lookup
from wfe.expr.patterns import search
from wfe.expr.template import render
from wfe.model.forms import dump_json
from wfe.model.json import Json


@dataclass(frozen=True, slots=True)
class Compare:
    """A field's value compared; `value` may hold placeholders."""

    field: str
    operator: str
    value: Json = None


@dataclass(frozen=True, slots=True)
class All:
    """True if all are; without any, true."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if one is, or more; without any, false."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """True if none is."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """True if exactly one is."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if it is not."""

    condition: "Condition"


Condition = Compare | All | AnyOf | NoneOf | OneOf | Not


def evaluate(condition: Condition, names: Names) -> bool:
    """Return whether a condition holds.

    Raises:
        ExpressionError: a comparison makes no sense, as of a text with a number.
    """
    match condition:
        case Compare():
            return _compare(condition, names)
        case All(conditions):
            return all(evaluate(each, names) for each in conditions)
        case AnyOf(conditions):
            return any(evaluate(each, names) for each in conditions)
        case NoneOf(conditions):
            return not any(evaluate(each, names) for each in conditions)
        case OneOf(conditions):
            return sum(evaluate(each, names) for each in conditions) == 1
        case Not(inner):
            return not evaluate(inner, names)
        case _:
            assert_never(condition)


def comparisons(condition: Condition) -> Iterator[Compare]:
    """Yield the comparisons of a condition, in order."""
    match condition:
        case Compare():
            yield condition
        case Not(inner):
            yield from comparisons(inner)
        case _:
            for each in condition.conditions:
                yield from comparisons(each)


def fields(condition: Condition) -> Iterator[str]:
    """Yield the paths that a condition looks at, in order."""
    for each in comparisons(condition):
        yield each.field


def same(left: Json, right: Json) -> bool:
    """Return whether two values are equal: 5 and 5.0 are, true and 1 are not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def _compare(condition: Compare, names: Names) -> bool:
    found = lookup(names, condition.field)
    operator, wanted = condition.operator, condition.value
    if operator in _NULLNESS:
        is_null = found is MISSING or found is None
        return (is_null is (operator == "is_null")) is (wanted is not False)
    if isinstance(found, Missing):
        return False
    try:
        return OPERATORS[operator](found, render(wanted, names))
    except _Mismatch as error:
        raise ExpressionError(f"`{condition.field}` is {_said(found)}, and {error}") from None


class _Mismatch(Exception):
    """The operator does not take such values; the text says what it takes."""


def _said(value: Json) -> str:
    text = dump_json(value)
    return f"{text[:57]}…" if len(text) > 60 else text


def _number(value: Json, operator: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Mismatch(f"`{operator}` compares numbers, not {_said(value)}")
    return value


def _ordered(operator: str, decide: Callable[[int | float, int | float], bool]) -> "_Test":
    return lambda found, wanted: decide(_number(found, operator), _number(wanted, operator))


def _contains(found: Json, wanted: Json) -> bool:
    if isinstance(found, list):
        return any(same(item, wanted) for item in found)
    if isinstance(found, str) and isinstance(wanted, str):
        return wanted in found
    raise _Mismatch(
        f"`contains` looks for a text in a text or a value in a list, not for {_said(wanted)} in it"
    )


def _in(found: Json, wanted: Json) -> bool:
    if not isinstance(wanted, list):
        raise _Mismatch(f"`in` needs a list to look in, not {_said(wanted)}")
    return any(same(found, item) for item in wanted)


def _matches(found: Json, wanted: Json) -> bool:
    if not (isinstance(found, str) and isinstance(wanted, str)):
        raise _Mismatch("`matches` needs a text and a pattern")
    return search(wanted, found)


_Test = Callable[[Json, Json], bool]
_NULLNESS: Final = frozenset({"is_null", "is_not_null"})
OPERATORS: Final[Mapping[str, _Test]] = {
    "equals": same,
    "not_equals": lambda found, wanted: not same(found, wanted),
    "gt": _ordered("gt", lambda a, b: a > b),
    "gte": _ordered("gte", lambda a, b: a >= b),
    "lt": _ordered("lt", lambda a, b: a < b),
    "lte": _ordered("lte", lambda a, b: a <= b),
    "contains": _contains,
    "in": _in,
    "matches": _matches,
}
"""What each operator does with a value; `is_null` and `is_not_null` also take one that is not there."""

ALL_OPERATORS: Final = (*OPERATORS, "is_null", "is_not_null")
