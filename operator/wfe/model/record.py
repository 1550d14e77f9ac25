"""History: what is left of visits, attempts and the instance's life once they ended."""

from dataclasses import dataclass, field
from datetime import datetime

from wfe.model.failure import Failure
from wfe.model.json import Json
from wfe.model.status import InstanceStatus, StepStatus

MAX_ATTEMPTS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One ended attempt."""

    attempt: int
    outcome: str
    exit_code: int | None
    started_at: datetime | None
    ended_at: datetime
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One ended visit of a step; `seq` is its number in start order and its identity in the history.

    `outputs` are what a completed leaf put out; a retry of the instance carries them over.
    """

    seq: int
    path: str
    node: str
    name: str
    type: str
    status: StepStatus
    attempts: int
    exit_code: int | None
    started_at: datetime | None
    ended_at: datetime
    failure: Failure | None = None
    message: str | None = None
    child: str | None = None
    outputs: dict[str, Json] = field(default_factory=dict)
    attempt_records: tuple[AttemptRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceChanged:
    """Lifecycle: the instance took another state."""

    status: InstanceStatus
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChanged:
    """Lifecycle: a visit took another state. `failure` says why it sleeps before a retry, or failed."""

    path: str
    node: str
    name: str
    type: str
    status: StepStatus
    attempt: int
    at: datetime
    failure: Failure | None = None
    wake_at: datetime | None = None


Lifecycle = InstanceChanged | StepChanged
