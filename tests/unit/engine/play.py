"""Play an instance in virtual time: tasks end as a script says, everything else as the engine says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wfe.engine import Circumstances, advance, begin, outstanding, submit
from wfe.engine.advance import Birth
from wfe.graph.graph import Graph
from wfe.model import commands as c
from wfe.model.decision import Decision
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.model.signals import ChildEnded, EventArrived, Signal, TaskEnded, TaskOutcome
from wfe.model.status import InstanceStatus

START = datetime(2026, 1, 1, tzinfo=UTC)


def ok(**outputs: Any) -> TaskEnded:
    return TaskEnded(path="", attempt=0, outcome=TaskOutcome.COMPLETE, outputs=outputs, exit_code=0)


def bad(code: int = 1) -> TaskEnded:
    failure = Failure(reason=Reason.EXIT_CODE, message=f"exited with {code}", exit_code=code)
    return TaskEnded(path="", attempt=0, outcome=TaskOutcome.FAILED, failure=failure, exit_code=code)


def lost() -> TaskEnded:
    return TaskEnded(path="", attempt=0, outcome=TaskOutcome.LOST)


NEVER = None
Answer = TaskEnded | None
Script = Mapping[str, Answer | list[Answer]]


@dataclass
class Play:
    """One instance and the world around it.

    `script` says by path how attempts end: one answer for all, a list for one after another, NEVER for one that
    runs until it is killed; what is not in it completes. `started` and `log` tell what was started, in order.
    """

    graph: Graph
    script: Script = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = START
    started: list[str] = field(default_factory=list)
    records: dict[int, StepRecord] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    waiting: dict[str, c.AwaitEvent] = field(default_factory=dict)
    offers: dict[str, c.OfferActivity] = field(default_factory=dict)
    children: dict[str, c.StartChild] = field(default_factory=dict)
    pending: list[Signal] = field(default_factory=list)
    running: dict[str, c.StartTask] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    choose: Callable[[list[Signal]], int] = lambda pending: 0
    instance: Instance = field(init=False)
    jitter: float = 0.0
    carried: Mapping[str, Any] = field(default_factory=dict)
    submitted: bool = False

    def __post_init__(self) -> None:
        birth = Birth(id="i", name="i", inputs=dict(self.inputs), carried=self.carried)
        make = submit if self.submitted else begin
        self._took(make(self.graph, birth, world=self.world))

    def status(self) -> InstanceStatus:
        return self.instance.status

    @property
    def world(self) -> Circumstances:
        return Circumstances(now=self.now, jitter=self.jitter, incarnation="here")

    def _took(self, decision: Decision) -> None:
        self.decisions.append(decision)
        self.instance = decision.instance
        self.records.update({record.seq: record for record in decision.records})
        for command in decision.commands:
            self._carry_out(command)

    def _carry_out(self, command: c.Command) -> None:
        match command:
            case c.StartTask(path=path):
                self.started.append(path)
                self.running[path] = command
                answer = self._answer(path, command.attempt)
                if answer is not NEVER:
                    self.pending.append(_placed(answer, path, command.attempt))
            case c.KillTask(path=path, attempt=attempt):
                self.killed.append(path)
                if not any(isinstance(s, TaskEnded) and s.path == path for s in self.pending):
                    cancelled = TaskEnded(path=path, attempt=attempt, outcome=TaskOutcome.CANCELLED)
                    self.pending.append(cancelled)
            case c.AwaitEvent(path=path):
                self.waiting[path] = command
            case c.OfferActivity(path=path):
                self.offers[path] = command
            case c.StartChild(path=path):
                self.children[path] = command
            case c.Withdraw(path=path):
                self.waiting.pop(path, None)
                self.offers.pop(path, None)
            case _:
                pass

    def _answer(self, path: str, attempt: int) -> Answer:
        found = self.script.get(path, ok())
        if isinstance(found, list):
            return found[min(attempt, len(found)) - 1]
        return found

    def tell(self, *signals: Signal) -> Decision:
        """Give signals to the engine."""
        decision = advance(self.graph, self.instance, signals, world=self.world)
        self._took(decision)
        return decision

    def step(self) -> bool:
        """Let one pending thing happen. False if there is none."""
        if not self.pending:
            return False
        self.tell(self.pending.pop(self.choose(self.pending)))
        return True

    def settle(self) -> "Play":
        """Let everything happen that needs no time."""
        while self.step():
            pass
        return self

    def sleep(self, seconds: float) -> "Play":
        """Let time pass, stopping at every moment that something is due."""
        until = self.now + timedelta(seconds=seconds)
        self.settle()
        while (due := self.decisions[-1].wake_at) is not None and due <= until:
            self.now = max(self.now, due)
            self.tell()
            self.settle()
        self.now = until
        self.tell()
        return self.settle()

    def publish(self, event: str, key: str, payload: Any, sequence: int) -> "Play":
        """Give an event to every wait that it matches."""
        for path, wait in list(self.waiting.items()):
            if (wait.event, wait.key) == (event, key) and sequence > wait.after:
                del self.waiting[path]
                self.tell(EventArrived(path=path, attempt=wait.attempt, sequence=sequence, payload=payload))
        return self.settle()

    def child_ends(self, path: str, status: Any, **outputs: Any) -> "Play":
        child = self.children[path]
        self.tell(ChildEnded(path=path, attempt=child.attempt, status=status, outputs=outputs))
        return self.settle()

    def statuses(self) -> dict[str, str]:
        """Return how every ended visit ended, by path."""
        ordered: Iterable[StepRecord] = (self.records[seq] for seq in sorted(self.records))
        return {record.path: record.status.value for record in ordered}

    def outstanding(self) -> tuple[c.Command, ...]:
        return outstanding(self.graph, self.instance)


def _placed(answer: TaskEnded, path: str, attempt: int) -> TaskEnded:
    return TaskEnded(
        path=path,
        attempt=attempt,
        outcome=answer.outcome,
        outputs=answer.outputs,
        failure=answer.failure,
        exit_code=answer.exit_code,
    )
