"""A compiled workflow: its tree, an index of it, and what it promises to callers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from wfe.graph.node import ChildSpec, Node
from wfe.model.concurrency import Concurrency
from wfe.model.instance import WorkflowRef
from wfe.model.json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A declared input or output. `type` is as written (`list<string>?`); `required` if no default and no `?`."""

    name: str
    type: str
    default: Json = None
    has_default: bool = False
    description: str = ""


class OnWorkspaceLost(StrEnum):
    """What becomes of an instance whose workspace is gone with its pod."""

    FAIL = "fail"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A compiled workflow, immutable and shared by all of its instances.

    Attributes:
        source: the normalized definition as JSON text; its SHA-256 is `workflow.digest`.
    """

    workflow: WorkflowRef
    root: Node
    source: str = ""
    name: str = ""
    description: str = ""
    inputs: Mapping[str, Field] = field(default_factory=dict)
    outputs: Mapping[str, Field] = field(default_factory=dict)
    timeout: timedelta | None = None
    on_workspace_lost: OnWorkspaceLost = OnWorkspaceLost.FAIL
    concurrency: Concurrency | None = None
    nodes: Mapping[str, Node] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", {node.path: node for node in self.root.walk()})

    @property
    def total_steps(self) -> int:
        """How many steps a reader of the file would count."""
        return sum(1 for node in self.nodes.values() if not node.hidden)

    def children(self) -> frozenset[tuple[str, int | None]]:
        """Return the (workflow, version) pairs that its `workflow` steps name."""
        specs = (node.spec for node in self.nodes.values())
        return frozenset((spec.workflow, spec.version) for spec in specs if isinstance(spec, ChildSpec))
