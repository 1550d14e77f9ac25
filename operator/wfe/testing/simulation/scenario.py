"""A scenario: workflows, how their tasks end, and what people do meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wfe.graph.graph import Graph
from wfe.model.failure import Failure, Reason
from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskEnded, TaskOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Does:
    """What an attempt does: it runs so long and ends so. `code` other than 0 fails; `forever` waits for its kill."""

    seconds: float = 1.0
    code: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    forever: bool = False

    def ended(self, key: AttemptKey) -> TaskEnded:
        """Return how the attempt ends if nobody kills it."""
        if not self.code:
            return TaskEnded(
                path=key.path,
                attempt=key.attempt,
                outcome=TaskOutcome.COMPLETE,
                outputs=dict(self.outputs),
                exit_code=0,
            )
        message = f"exited with {self.code}"
        return TaskEnded(
            path=key.path,
            attempt=key.attempt,
            outcome=TaskOutcome.FAILED,
            failure=Failure(reason=Reason.EXIT_CODE, message=message, exit_code=self.code),
            exit_code=self.code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person, or a worker outside, does at a time after the start, and `once` a step's visit has begun.

    `work` is a worker that fetches activities of a name and completes them with the payload.
    """

    at: float
    once: str = ""
    what: Literal["publish", "suspend", "resume", "cancel", "work"]
    name: str = ""
    key: str = ""
    payload: Any = None
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One test of everything.

    Attributes:
        graph: the workflow that is started.
        children: the workflows that it may start.
        script: what attempts do, by the step's visit; one for all attempts, or one after another. A step that is
            not in it completes after a second. Attempts lost with their executor do not count.
        acts: in order; each is tried again until a host took it.
        status: how the instance ends, whatever goes wrong on the way.
        steady: outputs and ends of steps do not depend on when faults hit.
        hosts: how many hosts drive the instance at once.
        parks: hosts forget instances that only wait, after two seconds.
        pods: attempts are admitted to a place that is made when the first of a tree needs it.
    """

    name: str
    graph: Graph
    children: tuple[Graph, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, Does | Sequence[Does]] = field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    status: str = "Complete"
    steady: bool = True
    hosts: int = 1
    limit: int = 8
    pods: bool = False
    parks: bool = False

    def does(self, path: str, before: int) -> Does:
        """Return what the next attempt does after so many that were not lost."""
        found = self.script.get(path, Does())
        if isinstance(found, Does):
            return found
        return found[min(before, len(found) - 1)]
