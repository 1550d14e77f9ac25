"""An instance: one run of a workflow, as much of it as is needed to go on.

It holds the frontier (what runs, waits, or is needed to undo), the data, and counts. History leaves it as
records, so one decision costs what it changes, whatever the instance's size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wfe.model.failure import Failure
from wfe.model.json import Data, Json
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus

ROOT = ""


@dataclass(frozen=True, slots=True)
class WorkflowRef:
    """A definition pinned by content: `digest` is the SHA-256 of its normalized form."""

    id: str
    version: int
    digest: str

    def __str__(self) -> str:
        return f"{self.id} v{self.version}"


@dataclass(frozen=True, slots=True)
class ParentRef:
    """The visit of the parent instance that waits for this one."""

    instance: str
    path: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a branch or an iteration wrote; reads fall through to `parent`, writes stay.

    Attributes:
        parent: the path of the surrounding scope, None for the root.
        data: top-level keys written here.
        locals: the loop's item and its index.
        cursors: the sequence number of the last event taken here, by "event\\nkey".
        size: the bytes of `data` as JSON text.
        held: how many undo records need it, or a scope inside it.
        closed: it has been merged into its parent, and goes when nothing holds it.
    """

    parent: str | None
    data: Data = field(default_factory=dict)
    locals: Data = field(default_factory=dict)
    cursors: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    held: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How to undo one visit: its compensation's node, the scope it left, what it put out, and its record."""

    seq: int
    saga: str
    path: str
    node: str
    scope: str
    outputs: Data = field(default_factory=dict)
    record: StepRecord | None = None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Ended visits by status, for progress without history."""

    complete: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    compensated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRequest:
    """What an `end` step asked for; carried out once everything else has stopped."""

    status: InstanceStatus
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One run of a workflow.

    Attributes:
        inputs: what it was started with; the data began as a copy of it.
        variables: what placeholders find after the data.
        pins: digests of the workflows that its `workflow` steps may start, by name or "name@version".
        revision: the number of saves; every save is compare-and-swap on it, plus one.
        pointers: live visits by path.
        scopes: data by scope path; the root's is `scopes[""]`.
        undo: undo records by their sequence number, which only grows.
        lists: items and collected values of `for_each`, in named pieces that rarely change.
        outputs: the declared outputs, once it is Complete.
        ordered_at: the revision of the parent at its last order (suspend, resume): an older one comes too late.
        deadline: when the whole run has taken too long; moved on by the time spent suspended.
        failure: why it ended Failed, or why everything is being stopped.
        restarts: how often it has started over, because its workspace was lost.
        restarting: everything is being stopped for that.
        incarnation: the place that its processes have shared, and left their files in.
        volume_of: the instance whose volume it has taken over, if it goes on with the files of one that it retries.
    """

    id: str
    name: str
    workflow: WorkflowRef
    status: InstanceStatus = InstanceStatus.PENDING
    reason: str | None = None
    message: str | None = None
    revision: int = 0
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reference: str | None = None
    parent: ParentRef | None = None
    root: str | None = None
    retry_of: str | None = None
    trace: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    inputs: Data = field(default_factory=dict)
    variables: Data = field(default_factory=dict)
    pointers: Mapping[str, Pointer] = field(default_factory=dict)
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    undo: Mapping[int, Undo] = field(default_factory=dict)
    lists: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    outputs: Data | None = None
    failure: Failure | None = None
    counts: Counts = Counts()
    next_seq: int = 0
    deadline: datetime | None = None
    suspended_at: datetime | None = None
    suspended_for: timedelta = timedelta()
    cancelled: bool = False
    ordered_at: int = 0
    end: EndRequest | None = None
    incarnation: str | None = None
    restarts: int = 0
    restarting: bool = False
    volume_of: str | None = None

    @property
    def data(self) -> Data:
        """The data of the root scope; the instance's JSON object."""
        scope = self.scopes.get(ROOT)
        return scope.data if scope else {}
