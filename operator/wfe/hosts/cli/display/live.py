"""The tree of steps, drawn again and again in place."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from wfe.graph.graph import Graph
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.rows import Prefixes, Rows
from wfe.hosts.cli.display.tree import Line, tree_lines
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.ports.logs import Segment

LAST: Final = 200


class LiveDisplay:
    """Draws a run's tree, as much of it as the terminal is high, and in the end all of it."""

    def __init__(self, *, now: Callable[[], datetime], console: Console | None = None) -> None:
        self._now = now
        self._console = console or Console(highlight=False)
        self._rows = Rows(Prefixes())
        self._title = Text("")
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def begin(self, graph: Graph, instance: Instance) -> None:
        self._rows.heard_of(instance)
        self._rows.expect(graph)
        self._title = Text(f"{graph.workflow} · {neutral(instance.name)}", style="bold")
        self._live.start()
        self.tick()

    def heard(self, instance: Instance, change: Lifecycle) -> None:
        self._rows.heard(instance, change)

    def wrote(self, segment: Segment) -> None:
        self._rows.wrote(segment)

    def tick(self) -> None:
        self._live.update(self._drawn(max(3, self._console.height - 2), tails=True), refresh=True)

    def note(self, text: str) -> None:
        self._console.print(Text(neutral(text)))

    def close(self) -> None:
        if self._live.is_started:
            self._live.stop()
            self._console.print(self._drawn(LAST, tails=False), soft_wrap=True)

    def _drawn(self, height: int, *, tails: bool) -> Text:
        lines = tree_lines(self._rows, now=self._now(), height=height, tails=tails)
        return Text("\n", no_wrap=True, overflow="ellipsis", end="").join([self._title, *map(_text, lines)])


def _text(line: Line) -> Text:
    text = Text(line.text)
    if line.dim_from:
        text.stylize(line.color, 0, line.dim_from)
        text.stylize("dim", line.dim_from)
    elif line.text:
        text.stylize("dim")
    return text
