"""What is known of a run while it goes on: a row for every visit of a step, kept by what is heard."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from wfe.graph.graph import Graph
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.embedded.view import plain_path
from wfe.model.failure import Failure
from wfe.model.instance import Instance
from wfe.model.record import InstanceChanged, Lifecycle, StepChanged
from wfe.model.status import InstanceStatus, StepStatus
from wfe.ports.logs import Segment

TAIL: Final = 3


@dataclass(slots=True)
class Row:
    """One visit of a step."""

    path: str
    type: str
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    failure: Failure | None = None
    wake_at: datetime | None = None
    tail: "deque[str]" = field(default_factory=lambda: deque(maxlen=TAIL))


class Prefixes:
    """Where the steps of an instance stand among those of its root: a child's under the step that started it."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def learn(self, instance: Instance) -> str:
        """Return the prefix of an instance's steps; parents are heard of before their children."""
        if instance.id not in self._of:
            parent = instance.parent
            self._of[instance.id] = f"{self._of.get(parent.instance, '')}{parent.path}/" if parent else ""
        return self._of[instance.id]

    def known(self, instance_id: str) -> str:
        return self._of.get(instance_id, "")


class Rows:
    """The rows of a run by their paths, in the order in which they appeared."""

    def __init__(self, prefixes: Prefixes) -> None:
        self._prefixes = prefixes
        self._rows: dict[str, Row] = {}
        self.status = InstanceStatus.PENDING

    def expect(self, graph: Graph) -> None:
        """Add the outermost steps, which the run will come to."""
        for node in graph.root.children:
            path = plain_path(node)
            self._rows.setdefault(path, Row(path, node.type))

    def heard_of(self, instance: Instance) -> None:
        """Learn where an instance's steps belong."""
        self._prefixes.learn(instance)

    def heard(self, instance: Instance, change: Lifecycle) -> None:
        """Take note of a change."""
        prefix = self._prefixes.learn(instance)
        match change:
            case InstanceChanged(status=status):
                if instance.parent is None:
                    self.status = status
            case StepChanged():
                self._step(prefix + change.path, change)

    def _step(self, path: str, change: StepChanged) -> None:
        row = self._rows.setdefault(path, Row(path, change.type))
        if change.status is StepStatus.RUNNING and row.started is None:
            row.started = change.at
        if change.status.is_final:
            row.ended = change.at
        row.status, row.attempt = change.status, change.attempt
        row.failure, row.wake_at = change.failure, change.wake_at

    def wrote(self, segment: Segment) -> None:
        """Keep the last lines of what runs."""
        row = self._rows.get(self._prefixes.known(segment.key.instance) + segment.key.path)
        if row is not None and (text := neutral(segment.data.rstrip(b"\r\n")[:500])):
            row.tail.append(text)

    def fill(self, rows: Iterable[Row]) -> None:
        """Take rows that an earlier process has seen."""
        for row in rows:
            self._rows[row.path] = row

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)
