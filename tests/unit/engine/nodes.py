"""A few words to write graphs with in tests of the engine."""

from typing import Any

from wfe.graph import node as n
from wfe.graph.graph import Graph
from wfe.graph.node import ErrorBehavior, Node, OnError
from wfe.graph.place import placed
from wfe.model.instance import WorkflowRef

RETRY = ErrorBehavior(type=OnError.RETRY, max_retries=2)
SUSPEND = ErrorBehavior(type=OnError.SUSPEND)
COMPENSATE = ErrorBehavior(type=OnError.COMPENSATE)


def task(name: str, **more: Any) -> Node:
    return Node(path="", name=name, type="shell", spec=n.TaskSpec(), **more)


def seq(name: str, *children: Node, **more: Any) -> Node:
    return Node(path="", name=name, type="sequence", spec=n.SequenceSpec(), children=children, **more)


def par(name: str, *children: Node, fail_fast: bool = True, **more: Any) -> Node:
    spec = n.ParallelSpec(fail_fast=fail_fast)
    return Node(path="", name=name, type="parallel", spec=spec, children=children, **more)


def saga(name: str, *children: Node, compensate_on_cancel: bool = False, **more: Any) -> Node:
    spec = n.SagaSpec(compensate_on_cancel=compensate_on_cancel)
    return Node(path="", name=name, type="saga", spec=spec, children=children, **more)


def hidden(segment: str, *children: Node) -> Node:
    return Node(path="", name=segment, type="sequence", spec=n.SequenceSpec(), children=children, hidden=True)


def if_(name: str, condition: Any, then: list[Node], else_: list[Node] | None = None, **more: Any) -> Node:
    children = (hidden("+then", *then), *([hidden("+else", *else_)] if else_ else []))
    return Node(path="", name=name, type="if", spec=n.IfSpec(condition=condition), children=children, **more)


def switch(name: str, value: Any, cases: dict[str, list[Node]], default: list[Node] | None = None) -> Node:
    bodies = [*cases.values(), *([default] if default is not None else [])]
    spec = n.SwitchSpec(
        value=value,
        cases={text: index for index, text in enumerate(cases)},
        default=len(cases) if default is not None else None,
    )
    children = tuple(hidden(f"+case-{index}", *body) for index, body in enumerate(bodies))
    return Node(path="", name=name, type="switch", spec=spec, children=children)


def while_(name: str, condition: Any, *body: Node, max_iterations: int = 1000, **more: Any) -> Node:
    spec = n.WhileSpec(condition=condition, max_iterations=max_iterations)
    return Node(path="", name=name, type="while", spec=spec, children=(hidden("+body", *body),), **more)


def each(name: str, items: Any, *body: Node, more: dict[str, Any] | None = None, **spec: Any) -> Node:
    children = (hidden("+body", *body),)
    loop = n.ForEachSpec(items=items, **spec)
    return Node(path="", name=name, type="for_each", spec=loop, children=children, **(more or {}))


def recur(name: str, every: Any, until: Any, *body: Node) -> Node:
    spec = n.RecurSpec(every=every, until=until)
    return Node(path="", name=name, type="recur", spec=spec, children=(hidden("+body", *body),))


def schedule(name: str, after: Any, *body: Node) -> Node:
    spec = n.ScheduleSpec(after=after)
    return Node(path="", name=name, type="schedule", spec=spec, children=(hidden("+body", *body),))


def leaf(name: str, spec: n.Spec, **more: Any) -> Node:
    return Node(path="", name=name, type=type(spec).__name__, spec=spec, **more)


def graph(*steps: Node, **more: Any) -> Graph:
    """Return a workflow of these steps, every node with its path."""
    root = Node(path="", name="", type="sequence", spec=n.SequenceSpec(), children=steps, hidden=True)
    return Graph(workflow=WorkflowRef("test", 1, "digest"), root=placed(root), **more)
