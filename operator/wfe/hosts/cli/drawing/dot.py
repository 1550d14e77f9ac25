"""DOT, for Graphviz."""

from collections.abc import Mapping
from typing import Final

from wfe.hosts.cli.drawing.diagram import Arrow, Diagram, Shape

_SHAPES: Final[Mapping[Shape, str]] = {
    Shape.END: "oval",
    Shape.STEP: "box",
    Shape.CHOICE: "hexagon",
    Shape.JOIN: "point",
    Shape.HOOK: "note",
}


def dot(diagram: Diagram) -> str:
    """Return a diagram as DOT text."""
    lines = [f"digraph {_quoted(diagram.title)} {{", '    node [fontname="sans-serif"];']
    lines.extend(
        f"    {box.id} [label={_quoted(box.label)}, shape={_SHAPES[box.shape]}];" for box in diagram.boxes
    )
    lines.extend(f"    {_arrow(arrow)}" for arrow in diagram.arrows)
    return "\n".join([*lines, "}"]) + "\n"


def _arrow(arrow: Arrow) -> str:
    style = {"label": arrow.label, "style": "dashed" if arrow.dotted else ""}
    said = ", ".join(f"{key}={_quoted(value)}" for key, value in style.items() if value)
    return f"{arrow.source} -> {arrow.target}{f' [{said}]' if said else ''};"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
