"""A child that declares no outputs gives back all that it put out, which is more than most parents want."""

from collections.abc import Iterator

from wfe.definition.checks.scopes import scopes
from wfe.definition.checks.subject import Subject
from wfe.definition.children import children
from wfe.definition.findings import Finding, warning
from wfe.definition.workflow import WorkflowModel
from wfe.expr.errors import listing


def check(subject: Subject) -> Iterator[Finding]:
    for place, name in children(subject.workflow):
        child = subject.others.get(name)
        says = place.step.output_names is not None or (place.step.config or {}).get("outputs") is not None
        if child is None or child.outputs or says:
            continue
        names = _put_out(child)
        if names:
            yield warning(
                place.at("config", "workflow"),
                f"all that `{name}` puts out comes back: {listing(names)}",
                f"declare the `outputs` of `{name}`, or list what you want in `config.outputs`",
            )


def _put_out(child: WorkflowModel) -> set[str]:
    names = set[str]()
    for place, scope in scopes(Subject(child)):
        if place is None:
            names = scope.names - child.inputs.keys()
    return names
