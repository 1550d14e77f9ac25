"""Signals: what the engine is told happened. The engine asks for nothing else about the world but the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wfe.model.failure import Failure
from wfe.model.json import Data, Json
from wfe.model.status import InstanceStatus


class TaskOutcome(StrEnum):
    """How an attempt ended. LOST: nobody can know; CANCELLED: killed on request, or never started."""

    COMPLETE = "Complete"
    FAILED = "Failed"
    TIMEOUT = "Timeout"
    CANCELLED = "Cancelled"
    LOST = "Lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded:
    """An attempt of a step, or an outside worker's activity, ended."""

    path: str
    attempt: int
    outcome: TaskOutcome
    outputs: Data = field(default_factory=dict)
    failure: Failure | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventArrived:
    """A published event that a wait asked for; `sequence` orders the events of one name and key."""

    path: str
    attempt: int
    sequence: int
    payload: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """A child instance ended; `outputs` are its declared ones, or all of its data if it declares none."""

    path: str
    attempt: int
    status: InstanceStatus
    outputs: Data = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendRequested:
    """Start nothing new; let what runs finish. With `parent_revision` it is an order of the parent's, given then."""

    reason: str = "suspended on request"
    parent_revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested:
    """Go on: what is due starts, and steps that an error suspended run again with a fresh budget.

    With a reason: only if it was suspended for that reason. With `parent_revision` it is an order of the parent's.
    """

    reason: str | None = None
    parent_revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Stop everything, run `ensure` hooks, end Terminated."""

    reason: str = "cancelled on request"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRequested:
    """The instance has lost what it needs to go on: stop everything, run `ensure` hooks, end Failed for this."""

    failure: Failure


Signal = (
    TaskEnded
    | EventArrived
    | ChildEnded
    | SuspendRequested
    | ResumeRequested
    | CancelRequested
    | FailRequested
)
SIGNALS: Mapping[str, type[Signal]] = {
    kind.__name__: kind
    for kind in (
        TaskEnded,
        EventArrived,
        ChildEnded,
        SuspendRequested,
        ResumeRequested,
        CancelRequested,
        FailRequested,
    )
}
