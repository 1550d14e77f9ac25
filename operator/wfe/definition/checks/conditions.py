"""A condition is one thing, and compares what can be compared."""

from collections.abc import Iterator

from wfe.definition.checks.subject import Subject
from wfe.definition.conditions import COMBINATORS, ConditionModel
from wfe.definition.findings import Finding, Where
from wfe.definition.sentences import shown
from wfe.definition.workflow import Place
from wfe.expr.condition import ALL_OPERATORS
from wfe.expr.errors import ExpressionError
from wfe.expr.patterns import check_pattern
from wfe.expr.template import has_placeholders

_NUMERIC = frozenset({"gt", "gte", "lt", "lte"})


def check(subject: Subject) -> Iterator[Finding]:
    for place in subject.places:
        for where, condition in conditions_of(place):
            yield from _check(where, condition)


def conditions_of(place: Place) -> Iterator[tuple[Where, ConditionModel]]:
    """Yield every condition of a step, those inside others included, and where it stands."""
    step = place.step
    if step.when is not None:
        yield from step.when.walk(place.at("when"))
    if step.if_ is not None:
        yield from step.if_.condition.walk(place.at("if", "condition"))
    if step.while_ is not None:
        yield from step.while_.condition.walk(place.at("while", "condition"))
    if step.recur is not None and step.recur.until is not None:
        yield from step.recur.until.walk(place.at("recur", "until"))


def _check(where: Where, condition: ConditionModel) -> Iterator[Finding]:
    given = condition.given()
    operators = [name for name in ALL_OPERATORS if name in given]
    combinators = [name for name in COMBINATORS if name in given]
    if condition.field is not None:
        if has_placeholders(condition.field):
            yield Finding(
                (*where, "field"), "paths are not filled in", "write the path out, as in `.inputs.name`"
            )
        yield from _comparison(where, condition, operators)
        if combinators:
            yield Finding(
                (*where, combinators[0]),
                f"`{combinators[0]}` stands beside `field`",
                "put the comparison into its list",
                on_key=True,
            )
    elif operators:
        yield Finding(where, f"`{operators[0]}` compares nothing", "add `field: .name`")
    elif not combinators:
        yield Finding(where, "the condition is empty", "write `field: .name` and an operator, or `all: […]`")
    elif len(combinators) == 1 and condition.is_empty(combinators[0]):
        yield Finding((*where, combinators[0]), f"`{combinators[0]}` has nothing in it", "add a condition")
    elif len(combinators) > 1:
        listed = " and ".join(f"`{name}`" for name in combinators)
        yield Finding(
            (*where, combinators[1]), f"the condition has {listed}", "put them into one `all`", on_key=True
        )


def _comparison(where: Where, condition: ConditionModel, operators: list[str]) -> Iterator[Finding]:
    if not operators:
        yield Finding(
            where, f"`{condition.field}` is compared with nothing", f"add one of {', '.join(ALL_OPERATORS)}"
        )
    elif len(operators) > 1:
        listed = " and ".join(f"`{name}`" for name in operators)
        yield Finding(
            (*where, operators[1]),
            f"the comparison has {listed}",
            "write two comparisons in an `all`",
            on_key=True,
        )
    else:
        yield from _operand((*where, operators[0]), operators[0], condition)


def _operand(where: Where, operator: str, condition: ConditionModel) -> Iterator[Finding]:
    value = condition.value(operator)
    if has_placeholders(value) and operator != "matches":
        return
    if operator in _NUMERIC and (isinstance(value, bool) or not isinstance(value, int | float)):
        yield Finding(where, f"`{operator}` compares numbers, and {shown(value)} is none", "write a number")
    elif operator == "in" and not isinstance(value, list):
        yield Finding(
            where, f"`in` looks in a list, and {shown(value)} is none", "write a list, as in `[a, b]`"
        )
    elif operator in {"is_null", "is_not_null"} and value is None:
        yield Finding(where, f"`{operator}` has no value", f"write `{operator}: true`")
    elif operator == "matches":
        yield from _pattern(where, value)


def _pattern(where: Where, value: object) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield Finding(where, f"`matches` takes a pattern, and {shown(value)} is none", "put it in quotes")
        return
    try:
        check_pattern(value)
    except ExpressionError as error:
        what, _, remedy = str(error).partition("; ")
        yield Finding(where, what, remedy)
