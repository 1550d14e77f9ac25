"""A workflow as programs hold it: its graph, and what a file or a builder brought along."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wfe.graph.graph import Graph
from wfe.model.json import Data


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow that can be registered and started.

    Attributes:
        graph: its compiled form.
        callables: the Python steps of a builder, by the id that their nodes name.
        variables: load-time variables of its file.
    """

    graph: Graph
    callables: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    variables: Data = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.graph.workflow.id

    @property
    def version(self) -> int:
        return self.graph.workflow.version
