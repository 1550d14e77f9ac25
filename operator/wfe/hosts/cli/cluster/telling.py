"""What happened between two looks at an instance, told to a display as a laptop tells it. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from wfe.hosts.cli.cluster.looks import Look
from wfe.hosts.embedded.view import StepView
from wfe.model.record import InstanceChanged, Lifecycle, StepChanged
from wfe.model.status import InstanceStatus, StepStatus

Known = tuple[StepStatus, int, datetime | None]


class Told:
    """Remembers what was told, so that each change is told once."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], Known] = {}
        self._status = InstanceStatus.PENDING
        self._reason: str | None = None
        self._now: datetime | None = None

    def news(self, found: Look, *, now: datetime) -> Sequence[Lifecycle]:
        """Return what is new, in the order in which it happened."""
        news: list[Lifecycle] = []
        # A path can be visited more than once, by a saga that is tried again or a step that was resumed.
        visits: dict[str, int] = {}
        # The server's clock is read with a delay, and nothing happens before what was told already.
        self._now = now = max(now, self._now or now, *_times(found.steps), found.instance.created_at)
        for step in found.steps:
            visit = visits[step.path] = visits.get(step.path, 0) + 1
            known = self._steps.get((step.path, visit))
            self._steps[step.path, visit] = (step.status, step.attempts, step.wake_at)
            news.extend(_changes(step, known, now))
        news.sort(key=lambda change: change.at)
        return [*news, *self._own(found, now)]

    def _own(self, found: Look, now: datetime) -> Iterator[Lifecycle]:
        value = found.instance
        if (value.status, value.reason) != (self._status, self._reason):
            self._status, self._reason = value.status, value.reason
            yield InstanceChanged(status=value.status, reason=value.reason, at=value.finished_at or now)


def _times(steps: Sequence[StepView]) -> Iterator[datetime]:
    return (when for step in steps for when in (step.started, step.finished) if when is not None)


def _changes(step: StepView, known: Known | None, now: datetime) -> Iterator[Lifecycle]:
    state = (step.status, step.attempts, step.wake_at)
    if state == known or (known is None and step.status is StepStatus.PENDING):
        return
    has_started = known is not None and known[0] is not StepStatus.PENDING
    if not has_started and step.started is not None and _has_run(step):
        yield _change(step, StepStatus.RUNNING, step.started)
    fresh = step.started if not has_started and step.status is StepStatus.RUNNING else None
    yield _change(step, step.status, step.finished or fresh or now)


def _has_run(step: StepView) -> bool:
    """Say whether a step has run before it came into its state; what only waits has not."""
    return step.status.is_final or (step.status is StepStatus.SLEEPING and step.failure is not None)


def _change(step: StepView, status: StepStatus, at: datetime) -> StepChanged:
    is_over = status is step.status
    return StepChanged(
        path=step.path,
        node="",
        name=step.name,
        type=step.type,
        status=status,
        attempt=step.attempts if is_over else min(step.attempts, 1),
        at=at,
        failure=step.failure if is_over else None,
        wake_at=step.wake_at if is_over else None,
    )
