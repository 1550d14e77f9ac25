"""From what a supervisor tells to what the engine is told: how an attempt ended, and why, in a sentence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from signal import Signals

from wfe.errors import WfeError
from wfe.model.failure import Failure, Reason
from wfe.model.json import Data
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.supervisor.answers import End, EndReason

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_SIGNALLED = 128
_OUT_OF_MEMORY = (
    "; its container has run out of memory: give the step more in its config, as in `memory: 2Gi`"
)


def outcome_of(
    task: ProcessTask,
    end: End,
    *,
    outputs: Callable[[], Data],
    time_of: Callable[[int], datetime],
) -> TaskEnded:
    """Tell how the task ended. `outputs` is called only if they count, and raises if they cannot be taken."""
    outcome, failure = _judge(task, end)
    taken: Data = {}
    if failure is None:
        try:
            taken = outputs()
        except WfeError as error:
            outcome, failure = TaskOutcome.FAILED, Failure(reason=Reason.OUTPUTS_INVALID, message=str(error))
    return TaskEnded(
        path=task.key.path,
        attempt=task.key.attempt,
        outcome=outcome,
        outputs=taken,
        failure=failure,
        exit_code=end.code if end.reason is EndReason.EXIT else None,
        started_at=None if end.started is None else time_of(end.started),
        ended_at=None if end.ended is None else time_of(end.ended),
    )


def refused(task: ProcessTask, reason: Reason, message: str) -> TaskEnded:
    """Tell that the task never started."""
    return TaskEnded(
        path=task.key.path,
        attempt=task.key.attempt,
        outcome=TaskOutcome.FAILED,
        failure=Failure(reason=reason, message=message),
    )


def _judge(task: ProcessTask, end: End) -> tuple[TaskOutcome, Failure | None]:
    match end.reason:
        case EndReason.EXIT if end.code == 0:
            return TaskOutcome.COMPLETE, None
        case EndReason.EXIT:
            said = _exit_in_words(end.code or 0) + (_OUT_OF_MEMORY if "m" in end.wrote else "")
            return TaskOutcome.FAILED, Failure(reason=Reason.EXIT_CODE, message=said, exit_code=end.code)
        case EndReason.TIMEOUT:
            said = f"it ran longer than its timeout of {_in_words(task.timeout)} and was ended"
            return TaskOutcome.TIMEOUT, Failure(reason=Reason.TIMEOUT, message=said)
        case EndReason.CANCELLED:
            return TaskOutcome.CANCELLED, Failure(reason=Reason.CANCELLED, message="it was cancelled")
        case EndReason.LOG_LIMIT:
            said = (
                f"it wrote more than {task.log_limit} bytes of output and was ended; write to a file instead"
            )
            return TaskOutcome.FAILED, Failure(reason=Reason.LOG_LIMIT, message=said)
        case EndReason.LOST:
            said = "its process is gone and left no word of how it ended"
            return TaskOutcome.LOST, Failure(reason=Reason.LOST, message=said)


def _exit_in_words(code: int) -> str:
    if code == _NOT_FOUND:
        return "exited with code 127: a command was not found"
    if code == _NOT_EXECUTABLE:
        return "exited with code 126: a command could not be executed"
    if code > _SIGNALLED and code - _SIGNALLED in set(Signals):
        return f"exited with code {code}: ended by {Signals(code - _SIGNALLED).name}"
    return f"exited with code {code}"


def _in_words(timeout: timedelta | None) -> str:
    return "none" if timeout is None else f"{timeout.total_seconds():g} s"
