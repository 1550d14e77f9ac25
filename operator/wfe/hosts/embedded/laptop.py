"""What a machine without a cluster cannot do for a workflow, or leaves out."""

from collections.abc import Sequence
from typing import Final

from wfe.errors import DefinitionInvalid, Problem
from wfe.graph.node import TaskSpec
from wfe.graph.workflow import Workflow
from wfe.hosts.embedded.containers import NoContainers, container_program
from wfe.language.load import Loaded, LoadedWorkflow

_IGNORED: Final = ("image", "memory", "cpu", "pull_policy")
_OF_CLUSTERS: Final = ("shared_volume", "retention")


def begun_with(loaded: Loaded, workflow: Workflow) -> Sequence[LoadedWorkflow]:
    """Return those of the loaded workflows that an instance of one of them runs: itself, its children and theirs."""
    begun = {workflow.graph.workflow.id}
    pending = [workflow.graph.workflow.id]
    graphs = {one.graph.workflow.id: one.graph for one in loaded.workflows}
    while pending:
        children = {child for child, _ in graphs[pending.pop()].children()} & graphs.keys() - begun
        begun |= children
        pending += children
    return [one for one in loaded.workflows if one.graph.workflow.id in begun]


def ignored_here(workflows: Sequence[LoadedWorkflow]) -> list[str]:
    """Return the words of the workflows that mean nothing here, where steps are local processes."""
    found: dict[str, None] = {}
    for one in workflows:
        for node in one.graph.nodes.values():
            if isinstance(node.spec, TaskSpec):
                found.update((key, None) for key in _IGNORED if node.spec.config.get(key) is not None)
        if any(place.step.isolation is not None for place in one.model.walk()):
            found["isolation"] = None
        found.update((key, None) for key in _OF_CLUSTERS if getattr(one.model, key) is not None)
    return list(found)


def require_runnable(workflows: Sequence[LoadedWorkflow]) -> None:
    """Refuse workflows that need what is not here.

    Raises:
        DefinitionInvalid: one has services, and nothing here runs containers.
    """
    with_services = [one for one in workflows if one.model.services]
    if not with_services:
        return
    try:
        container_program()
    except NoContainers as error:
        problems = (
            Problem(
                what=f"workflow `{one.graph.workflow.id}` has services: {error}",
                remedy="or apply the workflow to a cluster",
                file=one.positions.file,
                field="services",
            )
            for one in with_services
        )
        raise DefinitionInvalid(tuple(problems)) from error
