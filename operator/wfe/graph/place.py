"""Giving the nodes of a tree their paths, and changing every node of a tree."""

from collections.abc import Callable
from dataclasses import replace

from wfe.graph.node import Node


def placed(node: Node, path: str = "") -> Node:
    """Return a tree whose nodes have their paths: names from the root, hooks by their role."""

    def under(child: Node, segment: str) -> Node:
        return placed(child, f"{path}/{segment}" if path else segment)

    def hook(child: Node | None, role: str) -> Node | None:
        return None if child is None else under(child, role)

    return replace(
        node,
        path=path,
        children=tuple(under(child, child.name) for child in node.children),
        on_success=hook(node.on_success, "on_success"),
        on_failure=hook(node.on_failure, "on_failure"),
        ensure=hook(node.ensure, "ensure"),
        compensate=hook(node.compensate, "compensate"),
    )


def changed(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a tree in which every node, hooks included, is what `change` makes of it."""

    def inside(child: Node | None) -> Node | None:
        return None if child is None else changed(child, change)

    return change(
        replace(
            node,
            children=tuple(changed(child, change) for child in node.children),
            on_success=inside(node.on_success),
            on_failure=inside(node.on_failure),
            ensure=inside(node.ensure),
            compensate=inside(node.compensate),
        )
    )
