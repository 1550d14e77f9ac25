"""A pointer: one live visit of a step. Finished visits leave the instance and become records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wfe.model.failure import Failure
from wfe.model.json import Data, Json
from wfe.model.record import AttemptRecord
from wfe.model.status import StepStatus


class Role(StrEnum):
    """What a visit is to its parent."""

    BODY = "body"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ENSURE = "ensure"
    COMPENSATE = "compensate"


class Phase(StrEnum):
    """Where in its life a visit is.

    READY → BODY → (SLEEPING → BODY)* → ON_SUCCESS | ON_FAILURE | COMPENSATE → ENSURE → gone.
    PARKED is what an error suspended, until somebody resumes. STOPPING waits for the last children to end.
    """

    READY = "ready"
    BODY = "body"
    STOPPING = "stopping"
    SLEEPING = "sleeping"
    PARKED = "parked"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    COMPENSATE = "compensate"
    ENSURE = "ensure"


class Stop(StrEnum):
    """Why a visit is being stopped from outside: somebody wants it, or something else failed."""

    CANCEL = "cancel"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of finished neighbours of a `for_each`, items start … stop-1, and what they wrote, merged in order."""

    start: int
    stop: int
    writes: Data = field(default_factory=dict)
    cursors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a visit waits for: the first event of that name and key after the cursor, published since."""

    event: str
    key: str
    after: int = 0
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a container remembers between its children; each kind uses the few fields it needs.

    Attributes:
        next: index of the next child, item or round to start.
        live: how many children are live.
        total: how many items there are.
        spans: finished items of a `for_each`, as few runs of neighbours; they are the bitmap and the merged data.
        failure: what a child failed with, while the others are being stopped, undone, or run on.
        failed_seq: that child's number in start order; of several the first child's failure counts.
        undoing: finished steps are being undone.
        due_at: when the next round of a `recur` may start.
        done: the children's path is finished, detached ones may still be live.
        undo_failed: a compensation failed, so nothing recovers.
    """

    next: int = 0
    live: int = 0
    total: int = 0
    spans: tuple[Span, ...] = ()
    failure: Failure | None = None
    failed_seq: int = 0
    undoing: bool = False
    due_at: datetime | None = None
    done: bool = False
    undo_failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """One live visit of a step.

    Attributes:
        path: the visit's own name, such as `each[3]/add` or `s#2/a/on_failure`; unique in the instance.
        node: the path of its step in the graph, without indices and rounds.
        parent: the path of the visit it belongs to; None for the root.
        prefix: what the paths of its children begin with: its path, with the round from the second on.
        scope: the path of the scope it reads and writes.
        detached: its parent goes on beside it (`schedule`).
        seq: its number in start order.
        attempt: attempts started so far; for a container, rounds.
        retries: attempts charged to the user's budget since the last resume.
        losses: attempts lost with their executor.
        wake_at: when it is due without anything happening (retry, delay, wait's timeout).
        deadline: when a container's or wait's round has taken too long.
        incarnation: the executor that its running attempt belongs to.
        result: outputs of the body, kept while hooks run.
        undo: sequence number of the undo record that it carries out.
    """

    path: str
    node: str
    parent: str | None
    role: Role = Role.BODY
    prefix: str = ""
    scope: str = ""
    detached: bool = False
    seq: int = 0
    phase: Phase = Phase.READY
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    retries: int = 0
    losses: int = 0
    wake_at: datetime | None = None
    deadline: datetime | None = None
    started_at: datetime | None = None
    incarnation: str | None = None
    child: str | None = None
    wait: Wait | None = None
    exit_code: int | None = None
    failure: Failure | None = None
    stop: Stop | None = None
    message: str | None = None
    result: dict[str, Json] = field(default_factory=dict)
    attempts: tuple[AttemptRecord, ...] = ()
    progress: Progress = Progress()
    undo: int | None = None
