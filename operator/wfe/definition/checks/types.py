"""Types of inputs and outputs can be read, and defaults are of them."""

from collections.abc import Iterator

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding, Where
from wfe.definition.workflow import Declared
from wfe.expr.errors import ExpressionError
from wfe.expr.template import has_placeholders
from wfe.expr.types import check as check_type
from wfe.expr.types import parse_type


def check(subject: Subject) -> Iterator[Finding]:
    for name, declared in subject.workflow.inputs.items():
        yield from _check(("inputs", name), declared)
        yield from _default(("inputs", name), name, declared)
    for name, declared in subject.workflow.outputs.items():
        yield from _check(("outputs", name), declared)
        if "default" in declared.model_fields_set:
            yield Finding(
                ("outputs", name, "default"),
                f"output `{name}` has a default, and outputs take none",
                f"take it out, and write the type as `{declared.type.rstrip('?')}?` if it may be missing",
            )


def _check(where: Where, declared: Declared) -> Iterator[Finding]:
    try:
        parse_type(declared.type)
    except ExpressionError as error:
        what, _, remedy = str(error).partition("; ")
        yield Finding((*where, "type"), what, remedy)


def _default(where: Where, name: str, declared: Declared) -> Iterator[Finding]:
    if "default" not in declared.model_fields_set:
        return
    if has_placeholders(declared.default):
        yield Finding(
            (*where, "default"),
            f"the default of input `{name}` has a placeholder, and is not filled in",
            "leave it out: a variable of the input's name fills it by itself",
        )
        return
    try:
        problem = check_type(declared.default, declared.type)
    except ExpressionError:
        return
    if problem:
        yield Finding(
            (*where, "default"), f"the default of input `{name}` {problem}", "change it, or the type"
        )
