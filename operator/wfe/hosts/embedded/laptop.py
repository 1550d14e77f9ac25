"""What a machine without a cluster cannot do for a workflow."""

from wfe.errors import DefinitionInvalid, Problem
from wfe.language import Loaded


def require_runnable(loaded: Loaded) -> None:
    """Refuse workflows that need what is not here.

    Raises:
        DefinitionInvalid: one has services.
    """
    problems = tuple(
        Problem(
            what=f"workflow `{one.graph.workflow.id}` has services, which only a cluster starts",
            remedy="start them yourself and take `services` out, or apply the workflow to a cluster",
            file=one.positions.file,
            field="services",
        )
        for one in loaded.workflows
        if one.model.services
    )
    if problems:
        raise DefinitionInvalid(problems)
