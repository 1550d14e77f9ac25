"""A step that runs as a task: a process, or a callable of the host."""

from collections.abc import Iterable
from typing import Final

from wfe.engine import visit
from wfe.engine.draft import Draft, End
from wfe.engine.names import ScopeNames
from wfe.engine.primitive import Answer, Primitive
from wfe.graph.node import Node
from wfe.model.change import replace
from wfe.model.commands import Command, KillTask, StartTask
from wfe.model.failure import Failure, Reason
from wfe.model.pointer import Pointer
from wfe.model.record import AttemptRecord
from wfe.model.signals import TaskEnded, TaskOutcome


def record_attempt(draft: Draft, pointer: Pointer, signal: TaskEnded) -> Pointer:
    """Keep how an attempt ended, and what it put out."""
    record = AttemptRecord(
        attempt=signal.attempt,
        outcome=signal.outcome.value,
        exit_code=signal.exit_code,
        started_at=signal.started_at or pointer.started_at,
        ended_at=signal.ended_at or draft.now,
        failure=signal.failure,
    )
    pointer = replace(pointer, exit_code=signal.exit_code, result=dict(signal.outputs))
    return visit.keep_attempt(draft, pointer, record)


_FAILURES: Final = {
    TaskOutcome.FAILED: (Reason.ERROR, "the step failed"),
    TaskOutcome.TIMEOUT: (Reason.TIMEOUT, "timed out"),
    TaskOutcome.CANCELLED: (Reason.CANCELLED, "the task was cancelled outside of the engine"),
    TaskOutcome.LOST: (Reason.LOST, "the attempt was lost with its executor"),
}


# How an attempt may end that is being stopped; one that is lost meanwhile has stopped as well.
_STOPPED: Final = frozenset({TaskOutcome.CANCELLED, TaskOutcome.LOST})


def end_of(signal: TaskEnded) -> End:
    """Return how the body ends when its task has ended so."""
    if signal.outcome is TaskOutcome.COMPLETE:
        return visit.COMPLETE
    reason, message = _FAILURES[signal.outcome]
    failure = signal.failure or Failure(reason=reason, message=message, exit_code=signal.exit_code)
    if signal.outcome is TaskOutcome.LOST:
        failure = replace(failure, reason=Reason.LOST)
    return visit.failed(failure)


class TaskStep(Primitive):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        place = _place(draft, pointer)
        pointer = draft.put(replace(pointer, incarnation=place, result={}, exit_code=None))
        draft.commands.append(_start(pointer))

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        draft.commands.append(KillTask(path=pointer.path, attempt=pointer.attempt))

    def answer(self, draft: Draft, pointer: Pointer, signal: Answer) -> None:
        if not isinstance(signal, TaskEnded):
            return
        pointer = record_attempt(draft, pointer, signal)
        if signal.outcome in _STOPPED and pointer.stop is not None:
            visit.body_ended(draft, pointer, visit.CANCELLED)
        else:
            visit.body_ended(draft, pointer, end_of(signal))

    def outstanding(self, node: Node, pointer: Pointer, names: ScopeNames) -> Iterable[Command]:
        yield _start(pointer)
        if pointer.stop is not None:
            yield KillTask(path=pointer.path, attempt=pointer.attempt)


def _place(draft: Draft, pointer: Pointer) -> str:
    """Return where the attempt will run; what runs where the instance's files are is remembered for it."""
    own = draft.world.elsewhere.get((pointer.path, pointer.attempt))
    if own is not None:
        return own
    shared = draft.world.incarnation
    if shared and draft.get("incarnation") != shared:
        draft.head["incarnation"] = shared
    return shared


def _start(pointer: Pointer) -> StartTask:
    return StartTask(path=pointer.path, attempt=pointer.attempt, incarnation=pointer.incarnation or "")
