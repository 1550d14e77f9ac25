"""Drawings of workflows. A `Diagram` is what every format draws; adding one is a module and its line in FORMATS."""

from collections.abc import Callable, Mapping
from typing import Final

from wfe.hosts.cli.drawing.diagram import Diagram, diagram_of
from wfe.hosts.cli.drawing.dot import dot
from wfe.hosts.cli.drawing.mermaid import mermaid
from wfe.hosts.cli.drawing.outline import outline
from wfe.hosts.cli.drawing.svg import svg

FORMATS: Final[Mapping[str, Callable[[Diagram], str]]] = {
    "mermaid": mermaid,
    "dot": dot,
    "svg": svg,
    "text": outline,
}

__all__ = ["FORMATS", "Diagram", "diagram_of"]
