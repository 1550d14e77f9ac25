"""Workflows that run others: no two of one name, no circle, and no name that is a typo."""

from collections.abc import Iterator, Mapping

from wfe.definition.findings import Finding, warning
from wfe.definition.workflow import Place, WorkflowModel
from wfe.expr.errors import listing, suggestion


def check_children(workflow: WorkflowModel, others: Mapping[str, WorkflowModel]) -> Iterator[Finding]:
    """Check the children of one workflow among those it is together with (it is one of them)."""
    for place, child in children(workflow):
        where = place.at("config", "workflow")
        circle = _circle(workflow.id, child, others)
        if circle and workflow.id == next(name for name in others if name in circle):
            path = " → ".join(f"`{name}`" for name in circle)
            yield Finding(
                where,
                f"workflow `{workflow.id}` would run itself: {path}",
                "take one of the steps out; use `while` to repeat",
            )
        elif not circle and child not in others and (meant := suggestion(child, others)):
            yield warning(where, f"there is no workflow `{child}` here", f"{meant}here is {listing(others)}")


def children(workflow: WorkflowModel) -> Iterator[tuple[Place, str]]:
    """Yield the steps that run another workflow, and its id."""
    for place in workflow.walk():
        child = (place.step.config or {}).get("workflow")
        if place.step.type == "workflow" and not place.step.given() and isinstance(child, str):
            yield place, child


def _circle(start: str, child: str, others: Mapping[str, WorkflowModel]) -> tuple[str, ...]:
    """Return the way from a workflow through one of its children back to itself, if there is one."""
    pending: list[tuple[str, ...]] = [(start, child)]
    seen = set[str]()
    while pending:
        path = pending.pop()
        if path[-1] == start:
            return path
        if path[-1] not in seen and path[-1] in others:
            seen.add(path[-1])
            pending.extend((*path, each) for _, each in children(others[path[-1]]))
    return ()
