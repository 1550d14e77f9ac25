"""Lines with the time, the step, and what happened to it or what it wrote."""

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

from wfe.graph.graph import Graph
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.rows import Prefixes
from wfe.hosts.cli.display.words import clock_time, since
from wfe.model.instance import Instance
from wfe.model.record import InstanceChanged, Lifecycle, StepChanged
from wfe.model.status import InstanceStatus, StepStatus
from wfe.ports.logs import Segment


class PlainDisplay:
    """Writes lines to a stream: to a terminal without control characters, elsewhere bytes as steps wrote them."""

    def __init__(self, out: BinaryIO, *, now: Callable[[], datetime], on_terminal: bool) -> None:
        self._out = out
        self._now = now
        self._on_terminal = on_terminal
        self._prefixes = Prefixes()
        self._began: dict[str, datetime] = {}

    def begin(self, graph: Graph, instance: Instance) -> None:
        prefix = self._prefixes.learn(instance)
        for path, pointer in instance.pointers.items():
            if pointer.started_at is not None:  # an earlier process saw it start
                self._began[prefix + path] = pointer.started_at
        # What was born a moment ago says so with the time of its birth, before its first step's.
        at = instance.created_at if instance.revision == 1 else self._now()
        self._line(at, f"{graph.workflow}, instance {instance.name} ({instance.id})")

    def heard(self, instance: Instance, change: Lifecycle) -> None:
        prefix = self._prefixes.learn(instance)
        match change:
            case StepChanged(path=path):
                self._step(prefix + path, change)
            case InstanceChanged(status=InstanceStatus.SUSPENDED, reason=reason, at=at):
                self._line(at, f"{prefix or instance.name}: Suspended, {reason}")
            case _:
                pass

    def _step(self, path: str, change: StepChanged) -> None:
        if change.status is StepStatus.PENDING:
            return
        if change.status is StepStatus.RUNNING:
            self._began.setdefault(path, change.at)
        parts = [change.status.value]
        if change.status.is_final and (took := since(self._began.pop(path, None), change.at)):
            parts.append(f"after {took}")
        elif change.attempt > 1:
            parts.append(f"(attempt {change.attempt})")
        if change.wake_at is not None and change.status is StepStatus.SLEEPING:
            parts.append(f"until {clock_time(change.wake_at)}")
        why = f": {change.failure.message}" if change.failure and change.failure.message else ""
        self._line(change.at, f"{path}: {' '.join(parts)}{why}")

    def wrote(self, segment: Segment) -> None:
        place = self._prefixes.known(segment.key.instance) + segment.key.path
        self._line(segment.at, f"{place} | ", segment.data)

    def tick(self) -> None:
        pass

    def note(self, text: str) -> None:
        self._line(self._now(), text)

    def close(self) -> None:
        self._out.flush()

    def _line(self, at: datetime, text: str, data: bytes = b"") -> None:
        body = data.rstrip(b"\r\n")
        if self._on_terminal:
            body = neutral(body).encode()
        self._out.write(f"{clock_time(at)} {neutral(text)}".encode("utf-8", "replace") + body + b"\n")
        self._out.flush()
