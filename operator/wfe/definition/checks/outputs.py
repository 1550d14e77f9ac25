"""Declared outputs are put out by some step."""

from collections.abc import Iterator

from wfe.definition.checks.scopes import Scope, scopes
from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding, Severity
from wfe.expr.errors import listing, suggestion


def check(subject: Subject) -> Iterator[Finding]:
    end = Scope()
    for _, scope in scopes(subject):
        end = scope
    for name, declared in subject.workflow.outputs.items():
        if end.may_have(name):
            continue
        known = end.known()
        optional = declared.type.rstrip().endswith("?")
        yield Finding(
            ("outputs", name),
            f"no step puts out `{name}`",
            f"{suggestion(name, known)}add it to the `outputs` of the step that does; there is {listing(known)}",
            Severity.WARNING if optional else Severity.ERROR,
            on_key=True,
        )
