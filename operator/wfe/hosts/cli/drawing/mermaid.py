"""Mermaid, which Git forges draw in Markdown."""

from collections.abc import Mapping
from typing import Final

from wfe.hosts.cli.drawing.diagram import Arrow, Diagram, Shape

_SHAPES: Final[Mapping[Shape, tuple[str, str]]] = {
    Shape.END: ("([", "])"),
    Shape.STEP: ("[", "]"),
    Shape.CHOICE: ("{{", "}}"),
    Shape.JOIN: ("((", "))"),
    Shape.HOOK: (">", "]"),
}


def mermaid(diagram: Diagram) -> str:
    """Return a diagram as Mermaid text."""
    lines = ["---", f"title: {diagram.title}", "---", "flowchart TD"]
    for box in diagram.boxes:
        before, after = _SHAPES[box.shape]
        lines.append(f'    {box.id}{before}"{_escaped(box.label)}"{after}')
    lines.extend(f"    {_arrow(arrow)}" for arrow in diagram.arrows)
    return "\n".join(lines) + "\n"


def _arrow(arrow: Arrow) -> str:
    line = "-.->" if arrow.dotted else "-->"
    label = f'|"{_escaped(arrow.label)}"|' if arrow.label else ""
    return f"{arrow.source} {line}{label} {arrow.target}"


def _escaped(text: str) -> str:
    if not text:
        return " "
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, entity)
    return text.replace("\n", "<br/>")
