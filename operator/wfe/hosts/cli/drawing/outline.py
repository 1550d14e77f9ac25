"""An outline for the terminal: every step on its line, what belongs to it below."""

from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.drawing.diagram import Diagram, Shape


def outline(diagram: Diagram) -> str:
    """Return a diagram as indented lines; what leads to a step stands before it."""
    said = {arrow.target: arrow.label for arrow in reversed(diagram.arrows) if not arrow.back}
    lines = [neutral(diagram.title)]
    for box in diagram.boxes:
        if box.shape in {Shape.END, Shape.JOIN}:
            continue
        name, _, caption = box.label.partition("\n")
        way = said.get(box.id, "")
        before = f"{neutral(way)}: " if way and way != "done" else ""
        lines.append(f"{'  ' * (box.depth + 1)}{before}{neutral(name)}  [{neutral(caption)}]")
    return "\n".join(lines) + "\n"
