"""A workflow as boxes and arrows.

A leaf is a box. A container is a diamond or a bar, its children, and where its ways meet again. Loops have an
arrow back, hooks and compensations hang on a dotted one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from wfe.graph import node as n
from wfe.graph.graph import Graph
from wfe.graph.node import Node

_ROLES: Final = ("on_success", "on_failure", "ensure", "compensate")


class Shape(StrEnum):
    """What a box looks like."""

    END = "end"
    STEP = "step"
    CHOICE = "choice"
    JOIN = "join"
    HOOK = "hook"


@dataclass(frozen=True, slots=True)
class Box:
    """A box; `depth` is how deep its step is in the tree."""

    id: str
    label: str
    shape: Shape
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow; dotted for what does not always happen, `back` for those of loops."""

    source: str
    target: str
    label: str = ""
    dotted: bool = False
    back: bool = False


@dataclass(slots=True)
class Diagram:
    """Boxes in the order of the file, and the arrows between them."""

    title: str
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def box(self, label: str, shape: Shape, depth: int) -> str:
        name = f"n{len(self.boxes)}"
        self.boxes.append(Box(name, label, shape, depth))
        return name


Exits = list[tuple[str, str]]  # a box that leads on, and what its arrow says


def diagram_of(graph: Graph) -> Diagram:
    """Return the diagram of a workflow."""
    diagram = Diagram(str(graph.workflow))
    start = diagram.box("start", Shape.END, 0)
    exits = _sequence(diagram, graph.root.children, [(start, "")], 0)
    _connect(diagram, exits, diagram.box("end", Shape.END, 0))
    return diagram


def _sequence(diagram: Diagram, nodes: Sequence[Node], entries: Exits, depth: int) -> Exits:
    for node in nodes:
        entries = _node(diagram, node, entries, depth)
    return entries


def _node(diagram: Diagram, node: Node, entries: Exits, depth: int) -> Exits:
    if node.hidden:
        return _sequence(diagram, node.children, entries, depth)
    label = f"{node.name}\n{_caption(node)}"
    shape = Shape.CHOICE if node.children else Shape.STEP
    box = diagram.box(label, shape, depth)
    _connect(diagram, entries, box)
    _hooks(diagram, node, box, depth)
    return _inside(diagram, node, box, depth) if node.children else [(box, "")]


def _inside(diagram: Diagram, node: Node, box: str, depth: int) -> Exits:
    match node.spec:
        case n.ParallelSpec():
            ways = [_node(diagram, child, [(box, "")], depth + 1) for child in node.children]
            return [(_join(diagram, [exit_ for way in ways for exit_ in way], depth), "")]
        case n.IfSpec() | n.SwitchSpec():
            labels = _case_labels(node)
            exits = [
                exit_
                for child, label in zip(node.children, labels, strict=True)
                for exit_ in _node(diagram, child, [(box, label)], depth + 1)
            ]
            otherwise = [] if "else" in labels else [(box, "else")]
            return [(_join(diagram, exits + otherwise, depth), "")]
        case n.WhileSpec() | n.ForEachSpec() | n.RecurSpec():
            for source, label in _sequence(diagram, node.children, [(box, "each")], depth + 1):
                diagram.arrows.append(Arrow(source, box, label, back=True))
            return [(box, "done")]
        case n.ScheduleSpec():
            _sequence(diagram, node.children, [(box, "later")], depth + 1)
            return [(box, "")]
        case _:
            return _sequence(diagram, node.children, [(box, "")], depth + 1)


def _case_labels(node: Node) -> list[str]:
    if isinstance(node.spec, n.SwitchSpec):
        by_index = {index: text for text, index in node.spec.cases.items()}
        return [by_index.get(index, "else") for index in range(len(node.children))]
    return ["then", "else"][: len(node.children)]


def _hooks(diagram: Diagram, node: Node, box: str, depth: int) -> None:
    for role in _ROLES:
        hook: Node | None = getattr(node, role)
        if hook is not None:
            target = diagram.box(f"{hook.name}\n{_caption(hook)}", Shape.HOOK, depth + 1)
            diagram.arrows.append(Arrow(box, target, role, dotted=True))


def _join(diagram: Diagram, exits: Exits, depth: int) -> str:
    box = diagram.box("", Shape.JOIN, depth)
    _connect(diagram, exits, box)
    return box


def _connect(diagram: Diagram, exits: Exits, target: str) -> None:
    diagram.arrows.extend(Arrow(source, target, label) for source, label in exits)


def _caption(node: Node) -> str:
    words = [node.type]
    match node.spec:
        case n.ChildSpec(workflow=workflow):
            words.append(workflow)
        case n.WaitSpec(event=event):
            words.append(str(event))
        case n.DelaySpec(duration=duration):
            words.append(str(duration))
        case n.ActivitySpec(name=name):
            words.append(str(name))
        case n.ForEachSpec(item=item):
            words.append(f"as {item}")
        case _:
            pass
    if node.when is not None:
        # An arrow past the step would cross everything else.
        words.append("(when)")
    return " ".join(words)
