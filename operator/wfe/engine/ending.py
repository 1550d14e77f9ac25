"""Ends: of a visit, which leaves the instance as a record, and of the instance itself."""

from typing import Final

from wfe.engine import carried, restart, undo
from wfe.engine.draft import Draft, End, Ended
from wfe.graph.fields import check_outputs
from wfe.graph.node import SagaSpec
from wfe.model.change import replace
from wfe.model.commands import SuspendChild
from wfe.model.failure import Failure, Reason
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus, StepStatus

_COUNT: Final = {
    StepStatus.COMPLETE: "complete",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "skipped",
    StepStatus.CANCELLED: "cancelled",
    StepStatus.COMPENSATED: "compensated",
}


def finish(draft: Draft, pointer: Pointer, end: End) -> None:
    """End a visit: it leaves the instance, its record goes to the history, whoever is around it hears of it."""
    node = draft.node(pointer)
    pointer = replace(pointer, status=end.status, failure=end.failure, wake_at=None)
    draft.drop(pointer)
    record = None
    if not node.hidden:
        record = _record(draft, pointer)
        draft.records.append(record)
        counts = draft.get("counts")
        name = _COUNT[end.status]
        draft.head["counts"] = replace(counts, **{name: getattr(counts, name) + 1})
        draft.tell(pointer)
    if isinstance(node.spec, SagaSpec):
        undo.hand_over(draft, pointer)
    if pointer.attempt and end.status in {StepStatus.COMPLETE, StepStatus.FAILED, StepStatus.CANCELLED}:
        undo.push(draft, pointer, record)
    draft.later(Ended(pointer, end))


def _record(draft: Draft, pointer: Pointer) -> StepRecord:
    node = draft.node(pointer)
    return StepRecord(
        seq=pointer.seq,
        path=pointer.path,
        node=node.path,
        name=node.name,
        type=node.type,
        status=pointer.status,
        attempts=pointer.attempt,
        exit_code=pointer.exit_code,
        started_at=pointer.started_at,
        ended_at=draft.now,
        failure=pointer.failure,
        message=pointer.message,
        child=pointer.child,
        outputs=pointer.result if pointer.status is StepStatus.COMPLETE else {},
        attempt_records=pointer.attempts,
    )


def suspend(draft: Draft, reason: str) -> None:
    """Start nothing new from here on; children are suspended too."""
    if draft.status not in {InstanceStatus.RUNNING, InstanceStatus.PENDING} or draft.get("cancelled"):
        return
    draft.become(InstanceStatus.SUSPENDED, reason)
    draft.head["suspended_at"] = draft.now
    for pointer in draft.pointers.values():
        if pointer.child is not None:
            draft.commands.append(SuspendChild(path=pointer.path, child=pointer.child))


def instance_ended(draft: Draft, end: End) -> None:
    """The root visit has ended: so has the instance, unless it is to start over."""
    if restart.is_due(draft):
        restart.start_over(draft)
        return
    failure: Failure | None = end.failure or draft.get("failure")
    status, reason = _final(draft, end, failure)
    if status is InstanceStatus.COMPLETE:
        outputs, problems = check_outputs(draft.graph, draft.scopes[""].data)
        if problems:
            failure = Failure(reason=Reason.OUTPUTS_INVALID, message="; ".join(problems))
            status, reason = InstanceStatus.FAILED, Reason.OUTPUTS_INVALID.value
        else:
            draft.head["outputs"] = outputs
    draft.head["failure"] = failure
    draft.head["finished_at"] = draft.now
    draft.head["deadline"] = None
    carried.drop_all(draft)
    draft.become(status, reason)


def _final(draft: Draft, end: End, failure: Failure | None) -> tuple[InstanceStatus, str | None]:
    request = draft.get("end")
    if end.status is StepStatus.FAILED or (failure is not None and not draft.get("cancelled")):
        return InstanceStatus.FAILED, failure.reason.value if failure else None
    if request is not None:
        draft.head["message"] = request.message
        return request.status, Reason.ENDED.value
    if end.status is StepStatus.CANCELLED:
        return InstanceStatus.TERMINATED, Reason.CANCELLED.value
    return InstanceStatus.COMPLETE, None
