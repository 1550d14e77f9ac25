"""What follows a run. A display hears of changes and output as they happen, on the event loop."""

from typing import Final, Protocol

from wfe.graph.graph import Graph
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.ports.logs import Segment

REDRAW_SECONDS: Final = 0.12


class Display(Protocol):
    """Shows a run while it goes on."""

    def begin(self, graph: Graph, instance: Instance) -> None:
        """A run starts, or is taken up again."""
        ...

    def heard(self, instance: Instance, change: Lifecycle) -> None:
        """An instance or a step took another state."""
        ...

    def wrote(self, segment: Segment) -> None:
        """A step wrote something."""
        ...

    def tick(self) -> None:
        """Some time has passed."""
        ...

    def note(self, text: str) -> None:
        """Say something that is no step's."""
        ...

    def close(self) -> None:
        """Show the last state and leave the terminal as it was."""
        ...
