"""What a machine without a cluster cannot do for a workflow, or leaves out."""

from typing import Final

from wfe.errors import DefinitionInvalid, Problem
from wfe.graph.node import TaskSpec
from wfe.hosts.embedded.containers import NoContainers, container_program
from wfe.language import Loaded

_IGNORED: Final = ("image", "memory", "cpu", "pull_policy")
_OF_CLUSTERS: Final = ("shared_volume", "retention")


def ignored_here(loaded: Loaded) -> list[str]:
    """Return the words of the workflows that mean nothing here, where steps are local processes."""
    found: dict[str, None] = {}
    for one in loaded.workflows:
        for node in one.graph.nodes.values():
            if isinstance(node.spec, TaskSpec):
                found.update((key, None) for key in _IGNORED if node.spec.config.get(key) is not None)
        if any(place.step.isolation is not None for place in one.model.walk()):
            found["isolation"] = None
        found.update((key, None) for key in _OF_CLUSTERS if getattr(one.model, key) is not None)
    return list(found)


def require_runnable(loaded: Loaded) -> None:
    """Refuse workflows that need what is not here.

    Raises:
        DefinitionInvalid: one has services, and nothing here runs containers.
    """
    with_services = [one for one in loaded.workflows if one.model.services]
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
