"""From what a callable did to what the engine is told."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wfe.errors import WfeError
from wfe.expr.outputs import check_outputs
from wfe.model.failure import Failure, Reason
from wfe.model.forms import dump_json, load_json
from wfe.model.ids import AttemptKey
from wfe.model.json import Json
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import PythonTask


def ended(task: PythonTask, work: asyncio.Task[Any], started: datetime, now: datetime) -> TaskEnded:
    """Tell how a call ended by itself."""
    if work.cancelled():
        return failed(task.key, Reason.ERROR, "it cancelled itself", started, now)
    error = work.exception()
    if error is not None:
        return failed(task.key, Reason.ERROR, f"{type(error).__name__}: {error}", started, now)
    try:
        outputs = _outputs(work.result())
    except WfeError as problem:
        return failed(task.key, Reason.OUTPUTS_INVALID, str(problem), started, now)
    return TaskEnded(
        path=task.key.path,
        attempt=task.key.attempt,
        outcome=TaskOutcome.COMPLETE,
        outputs=outputs,
        started_at=started,
        ended_at=now,
    )


def timed_out(task: PythonTask, started: datetime, now: datetime) -> TaskEnded:
    """Tell that a call took too long."""
    limit = 0 if task.timeout is None else task.timeout.total_seconds()
    failure = Failure(reason=Reason.TIMEOUT, message=f"it ran longer than its timeout of {limit:g} s")
    return _stopped(task.key, TaskOutcome.TIMEOUT, failure, started, now)


def cancelled(key: AttemptKey, started: datetime | None, now: datetime) -> TaskEnded:
    """Tell that a call was ended on request, or never made."""
    failure = Failure(reason=Reason.CANCELLED, message="it was cancelled")
    return _stopped(key, TaskOutcome.CANCELLED, failure, started, now)


def failed(
    key: AttemptKey, reason: Reason, message: str, started: datetime | None, now: datetime
) -> TaskEnded:
    """Tell that a call failed."""
    return _stopped(key, TaskOutcome.FAILED, Failure(reason=reason, message=message), started, now)


def _stopped(
    key: AttemptKey, outcome: TaskOutcome, failure: Failure, started: datetime | None, now: datetime
) -> TaskEnded:
    return TaskEnded(
        path=key.path,
        attempt=key.attempt,
        outcome=outcome,
        failure=failure,
        started_at=started,
        ended_at=now,
    )


def _outputs(returned: Any) -> dict[str, Json]:
    """Return the outputs as they will be when they have been stored: tuples are lists then."""
    if returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise OutputsUnusable(
            f"it returned {type(returned).__name__}; return a mapping of outputs by name, or nothing"
        )
    outputs = load_json(dump_json(dict(returned)))
    return check_outputs(outputs)


class OutputsUnusable(WfeError):
    """What a callable returned cannot be outputs."""
