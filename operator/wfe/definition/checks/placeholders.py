"""Every placeholder names something that will be there."""

from collections.abc import Iterator

from wfe.definition.checks.scopes import Scope, scopes
from wfe.definition.checks.strings import Found, inside, placeholders_of
from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding
from wfe.expr.template import unknown_name


def check(subject: Subject) -> Iterator[Finding]:
    workflow = subject.workflow
    inputs = Scope(names=set(workflow.inputs))
    if workflow.concurrency is not None:
        yield from _check(inside(workflow.concurrency.key, ("concurrency", "key")), inputs, subject)
    for name, service in workflow.services.items():
        found = inside(service.model_dump(exclude_unset=True), ("services", name))
        yield from _check(found, inputs, subject)
    for place, scope in scopes(subject):
        if place is not None:
            yield from _check(placeholders_of(place), scope, subject)


def _check(found: Iterator[Found], scope: Scope, subject: Subject) -> Iterator[Finding]:
    for where, placeholder in found:
        name = placeholder.names[0]
        if name in subject.variables or (not placeholder.variable_only and scope.may_have(name)):
            continue
        known = subject.variables if placeholder.variable_only else {*scope.known(), *subject.variables}
        what, _, remedy = unknown_name(placeholder, sorted(known)).partition("; ")
        yield Finding(where, what, remedy, offset=placeholder.start)
