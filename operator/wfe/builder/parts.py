"""What the builders of one workflow share: names, callables, and how nodes get their paths."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from wfe.builder.steps import Step, adapt, callable_of
from wfe.expr.condition import Compare
from wfe.graph import node as n
from wfe.graph.graph import Field, Graph
from wfe.graph.node import Node
from wfe.graph.place import changed
from wfe.model.json import Json


class Parts:
    """Gives steps unique names and keeps their callables."""

    def __init__(self, model: type[BaseModel] | None) -> None:
        self.model = model
        self.callables: dict[str, Callable[..., Any]] = {}
        self._names: set[str] = set()

    def model_fields(self) -> dict[str, Field]:
        """Return the fields of the data model as inputs, so that the data begins with their defaults."""
        if self.model is None:
            return {}
        defaults = self.model.model_construct().model_dump(mode="json", warnings=False)
        return {
            name: Field(name=name, type="any", default=defaults.get(name), has_default=not info.is_required())
            for name, info in self.model.model_fields.items()
        }

    def name(self, wanted: str) -> str:
        """Return a name that no other step has: `wanted`, `wanted-2`, …"""
        base = re.sub(r"[^a-zA-Z0-9_-]+", "-", wanted).strip("-_") or "step"
        name, count = base, 1
        while name in self._names:
            count += 1
            name = f"{base}-{count}"
        self._names.add(name)
        return name

    def register(self, step: Step, wanted: str | None = None) -> tuple[str, str]:
        """Keep a step's callable; return the step's name and the callable's id."""
        name = self.name(wanted or str(getattr(step, "__name__", type(step).__name__)))
        self.callables[name] = adapt(step, self.model)
        return name, name

    def test(self, condition: Callable[..., bool], kind: str) -> tuple[Compare, Node]:
        """Return a condition on a key of the data, and the step that works the key out."""
        path, node = self.value(lambda *given: bool(condition(*given)), kind, like=condition)
        return Compare(path, "equals", True), node

    def value(
        self, function: Callable[..., Any], kind: str, *, like: Callable[..., Any] | None = None
    ) -> tuple[str, Node]:
        """Return the path of a key of the data, and the step that works it out with a function of the data."""
        name = self.name(f"{kind}-value")
        key = f"_{name}"
        count = len(inspect.signature(callable_of(like or function)).parameters)

        def work_out(data: Any, context: Any) -> dict[str, Json]:
            return {key: function(*(data, context)[:count])}

        self.callables[name] = adapt(work_out, self.model)
        return f".{key}", Node(path="", name=name, type="python", spec=n.TaskSpec(config={"callable": name}))

    def owned(self, graph: Graph, prefix: str) -> Graph:
        """Return the graph with callables named by their workflow, so that two workflows never share one."""

        def own(node: Node) -> Node:
            if node.type != "python" or not isinstance(node.spec, n.TaskSpec):
                return node
            return replace(
                node,
                spec=n.TaskSpec(
                    config={**node.spec.config, "callable": f"{prefix}{node.spec.config['callable']}"}
                ),
            )

        return replace(graph, root=changed(graph.root, own))


def hidden(segment: str, steps: Sequence[Node]) -> Node:
    """Return a group that the language implies."""
    return Node(
        path="", name=segment, type="sequence", spec=n.SequenceSpec(), children=tuple(steps), hidden=True
    )


def shape(root: Node) -> list[str]:
    """Return what an instance depends on: the steps, their kinds and their order, as text."""
    return [f"{node.path}:{node.type}:{node.spec!r}:{node.when!r}" for node in root.walk()]


def block(step: Any) -> bool:
    """Whether a hook was given as a function of a builder: its one parameter is named `b` or `builder`."""
    try:
        parameters = list(inspect.signature(step).parameters)
    except (TypeError, ValueError):
        return False
    return parameters in (["b"], ["builder"])
