"""Conditions look at values that will be there, and compare them as their declared types allow."""

from collections.abc import Iterator
from typing import Final

from wfe.definition.checks.conditions import conditions_of
from wfe.definition.checks.scopes import Scope, scopes
from wfe.definition.checks.subject import Subject
from wfe.definition.conditions import ConditionModel
from wfe.definition.findings import Finding, Where, warning
from wfe.definition.workflow import Place
from wfe.expr.errors import ExpressionError, listing, suggestion
from wfe.expr.path import VARIABLES, split
from wfe.expr.types import Type, parse_type

_NUMERIC: Final = frozenset({"gt", "gte", "lt", "lte"})
_NUMBERS: Final = frozenset({"number", "integer", "any"})
_CONTAINERS: Final = frozenset({"string", "list", "any"})


def check(subject: Subject) -> Iterator[Finding]:
    for place, scope in scopes(subject):
        if place is None:
            continue
        for where, path in _paths(place):
            yield from _seen(where, path, scope, subject)
        for where, condition in conditions_of(place):
            if condition.field is not None:
                yield from _seen((*where, "field"), condition.field, scope, subject)
                yield from _compared(where, condition, condition.field, subject)


def _paths(place: Place) -> Iterator[tuple[Where, str]]:
    """Yield the paths that a step looks at besides those of its conditions."""
    loop, switch = place.step.for_each, place.step.switch
    if loop is not None and isinstance(loop.items, str) and loop.items.startswith("."):
        yield place.at("for_each", "items"), loop.items
    if switch is not None and isinstance(switch.value, str) and switch.value.startswith("."):
        yield place.at("switch", "value"), switch.value


def _seen(where: Where, path: str, scope: Scope, subject: Subject) -> Iterator[Finding]:
    segments = split(path)
    if segments[0] == VARIABLES and len(segments) > 1:
        known, name = subject.variables, segments[1]
    else:
        known, name = frozenset({*scope.known(), *subject.variables}), segments[0]
    if name not in known and not (known is not subject.variables and scope.may_have(name)):
        yield warning(
            where,
            f"nothing before this puts out `{name}`",
            f"{suggestion(name, known)}there is {listing(known)}",
        )


def _compared(where: Where, condition: ConditionModel, path: str, subject: Subject) -> Iterator[Finding]:
    segments = split(path)
    declared = subject.workflow.inputs.get(segments[0]) or subject.workflow.outputs.get(segments[0])
    operator = condition.operator
    if declared is None or operator is None or len(segments) > 1:
        return
    try:
        kind = parse_type(declared.type)
    except ExpressionError:
        return
    if not _allows(kind, operator):
        yield Finding(
            (*where, operator),
            f"`{path}` is declared as {declared.type}, and `{operator}` compares "
            f"{'numbers' if operator in _NUMERIC else 'texts and lists'}",
            "change the type, or the comparison",
            on_key=True,
        )


def _allows(kind: Type, operator: str) -> bool:
    if operator in _NUMERIC:
        return kind.name in _NUMBERS
    if operator == "contains":
        return kind.name in _CONTAINERS
    return operator != "matches" or kind.name in {"string", "any"}
