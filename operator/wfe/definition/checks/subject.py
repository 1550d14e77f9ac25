"""What a check looks at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from wfe.definition.workflow import Place, WorkflowModel


@dataclass(frozen=True)
class Subject:
    """A workflow, the others it is together with (by id), and the variables that are set at load."""

    workflow: WorkflowModel
    others: Mapping[str, WorkflowModel] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every step of it, hooks included, in the order of the file."""
        return tuple(self.workflow.walk())
