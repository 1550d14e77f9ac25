"""Nodes: one frozen value per step of a workflow, and one kind-specific `spec` in each.

Values inside a spec are JSON in which strings may hold placeholders; they are rendered when the step is visited
(`wfe.expr.template.render`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from wfe.expr.condition import Condition
from wfe.model.json import Data, Json
from wfe.model.status import InstanceStatus


class OnError(StrEnum):
    """What a step's failure does once its attempts are used up (retry: until then)."""

    TERMINATE = "terminate"
    RETRY = "retry"
    SUSPEND = "suspend"
    COMPENSATE = "compensate"


class OnLost(StrEnum):
    """What losing an executor does to an attempt."""

    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBehavior:
    """What happens when a step fails. `max_retries` counts attempts after the first."""

    type: OnError = OnError.TERMINATE
    interval: timedelta = timedelta(seconds=5)
    max_retries: int = 3
    backoff: float = 1.0
    max_interval: timedelta | None = None
    jitter: float = 0.0
    on_lost: OnLost = OnLost.RETRY
    max_losses: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A leaf that runs as a task: `type` of the node is its step kind, `config` that kind's configuration.

    `isolated`: each attempt wants a pod of its own, where there are pods.
    """

    config: Data = field(default_factory=dict)
    isolated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSpec:
    """Children one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelSpec:
    """Children side by side, each in a scope of its own."""

    fail_fast: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IfSpec:
    """Children: `then`, and `else` if there is one (hidden sequences of those names)."""

    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSpec:
    """Children: one hidden sequence a case; `cases` maps the case's text to its index, `default` is an index."""

    value: Json
    cases: Mapping[str, int]
    default: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhileSpec:
    """One hidden child sequence, run in a fresh scope while the condition holds."""

    condition: Condition
    max_iterations: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEachSpec:
    """One hidden child sequence, run for every item; `collect` maps a data key to an output's name."""

    items: Json
    item: str = "item"
    max_parallel: int = 16
    collect: Mapping[str, str] = field(default_factory=dict)
    fail_fast: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaSpec:
    """Children one after another; on failure what finished is undone, newest first."""

    compensate_on_cancel: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSpec:
    """Wait for an event. `as_of`: "start", "now", "always", or an RFC 3339 time."""

    event: Json
    key: Json = ""
    as_of: Json = "start"
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DelaySpec:
    """Sleep for a duration (text or seconds, possibly with placeholders)."""

    duration: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilSpec:
    """Sleep until an RFC 3339 time."""

    time: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySpec:
    """Hand work to outside workers; the claim of one that goes silent expires after `claim`."""

    name: Json
    params: Data = field(default_factory=dict)
    claim: timedelta = timedelta(minutes=5)
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """Run another workflow. `outputs` maps our names to the child's; None: its declared outputs, else all."""

    workflow: str
    version: int | None = None
    inputs: Data = field(default_factory=dict)
    outputs: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurSpec:
    """One hidden child sequence, run at once and then every interval until the condition holds."""

    every: Json
    until: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """One hidden child sequence, started later beside the main path."""

    after: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSpec:
    """End the instance: cancel all else, run `ensure` hooks, take this status."""

    status: InstanceStatus = InstanceStatus.COMPLETE
    message: Json = None


Spec = (
    TaskSpec
    | SequenceSpec
    | ParallelSpec
    | IfSpec
    | SwitchSpec
    | WhileSpec
    | ForEachSpec
    | SagaSpec
    | WaitSpec
    | DelaySpec
    | UntilSpec
    | ActivitySpec
    | ChildSpec
    | RecurSpec
    | ScheduleSpec
    | EndSpec
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step.

    Attributes:
        path: names from the root, joined by "/": `each/add`, `x/on_failure`; "" is the root. A hidden node has a
            segment too (`+then`, `+else`, `+case-0`, `+default`, `+body`), which visits leave out of their paths.
        type: what users read: shell, deno, parallel, for_each, …
        hidden: grouping that the language implies; it has no record of its own.
        timeout: of a container's or wait's round, a duration possibly with placeholders. A task's own timeout is
            in its config and is the executor's to keep.
    """

    path: str
    name: str
    type: str
    spec: Spec
    children: tuple["Node", ...] = ()
    when: Condition | None = None
    error: ErrorBehavior = ErrorBehavior()
    timeout: Json = None
    on_success: "Node | None" = None
    on_failure: "Node | None" = None
    ensure: "Node | None" = None
    compensate: "Node | None" = None
    hidden: bool = False

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all under it, hooks included, in the order of the file."""
        yield self
        for child in (*self.children, self.on_success, self.on_failure, self.ensure, self.compensate):
            if child is not None:
                yield from child.walk()
