"""The life of a visit, the same for every kind of step.

    enter ─ when? ─ no ──────────────────────────────────────────────────────────▶ Skipped
      │ yes
      ▼
    begin_round ─▶ body ─ completed ─▶ on_success ─▶ ensure ─▶ Complete
      ▲              │
      │              └─ failed ─ tries left? ─ yes ─ sleep ─▶ begin_round
      │                           │ no
      └──── resume ── suspend? ◀──┤
                                  └─▶ on_failure ─▶ compensate? ─▶ ensure ─▶ Failed or Compensated

A stop (cancel, or something else failed) cuts the body short; only `ensure` runs after it. Nothing is entered
while the instance is suspended: what would start stays READY until it resumes.
"""

from datetime import datetime, timedelta
from typing import Final

from wfe.engine import carried, ending, hooks, scopes
from wfe.engine.draft import AllStopped, Draft, End, StopVisit
from wfe.engine.retry import LOST_PAUSE, backoff
from wfe.errors import Permanent
from wfe.expr.condition import evaluate
from wfe.expr.duration import parse_duration
from wfe.expr.template import render
from wfe.graph.node import Node, OnError, OnLost, TaskSpec
from wfe.model.change import replace
from wfe.model.failure import Failure, Reason
from wfe.model.json import Json
from wfe.model.pointer import Phase, Pointer, Progress, Role, Stop
from wfe.model.record import MAX_ATTEMPTS_KEPT, AttemptRecord
from wfe.model.status import StepStatus

COMPLETE: Final = End(StepStatus.COMPLETE)
SKIPPED: Final = End(StepStatus.SKIPPED)
CANCELLED: Final = End(StepStatus.CANCELLED)


def failed(failure: Failure) -> End:
    return End(StepStatus.FAILED, failure)


def invalid(error: Permanent, reason: Reason = Reason.CONFIG_INVALID) -> End:
    """Return the end of a step whose values turned out wrong."""
    return failed(Failure(reason=reason, message=str(error)))


def enter(draft: Draft, path: str) -> None:
    """Start a READY visit, unless its `when` says no or the instance is suspended."""
    pointer = draft.pointers.get(path)
    if pointer is None or pointer.phase is not Phase.READY or draft.is_suspended:
        return
    node = draft.node(pointer)
    if node.when is not None:
        try:
            wanted = evaluate(node.when, draft.names(pointer))
        except Permanent as error:
            pointer = draft.put(replace(pointer, phase=Phase.BODY, started_at=draft.now))
            failure = Failure(reason=Reason.CONDITION_INVALID, message=str(error)).at(path)
            hooks.after_failure(draft, replace(pointer, failure=failure))
            return
        if not wanted:
            ending.finish(draft, pointer, SKIPPED)
            return
    begin_round(draft, pointer)


def begin_round(draft: Draft, pointer: Pointer) -> None:
    """Begin the next attempt of a step, or the next round of a container."""
    attempt = pointer.attempt + 1
    node = draft.node(pointer)
    rounds = attempt > 1 and not node.hidden
    pointer = replace(
        pointer,
        phase=Phase.BODY,
        status=StepStatus.RUNNING,
        attempt=attempt,
        prefix=f"{pointer.path}#{attempt}" if rounds else pointer.prefix,
        wake_at=None,
        failure=None,
        progress=Progress(),
        started_at=pointer.started_at or draft.now,
    )
    try:
        pointer = draft.put(replace(pointer, deadline=deadline(draft, node, pointer)))
    except Permanent as error:
        body_ended(draft, draft.put(pointer), invalid(error))
        return
    known = carried.take(draft, pointer.path)
    if known is not None:
        body_ended(draft, draft.put(replace(pointer, result=known)), COMPLETE)
        return
    draft.primitive(pointer).begin(draft, pointer)
    begun = draft.pointers.get(pointer.path)
    if begun is not None and begun.phase is Phase.BODY:
        draft.tell(begun)


def deadline(draft: Draft, node: Node, pointer: Pointer) -> datetime | None:
    """Return when this round has taken too long; a task's timeout is its executor's to keep."""
    if node.timeout is None or isinstance(node.spec, TaskSpec):
        return None
    return draft.now + duration(node.timeout, draft, pointer)


def duration(value: Json, draft: Draft, pointer: Pointer) -> timedelta:
    """Render and read a duration."""
    return parse_duration(render(value, draft.names(pointer)))


def start_child(draft: Draft, parent: Pointer, child: Pointer) -> None:
    """Add a live child to a container."""
    progress = parent.progress
    draft.put(replace(parent, progress=replace(progress, live=progress.live + 1)))
    draft.add(child)


def child_of(parent: Pointer, node: Node, *, scope: str | None = None) -> Pointer:
    """Return the visit of a child of a container, named as users read it."""
    if node.hidden:
        # A hidden group has a path of its own, but its children are named as if it were not there.
        segment, prefix = node.path.rsplit("/", 1)[-1], parent.prefix
    else:
        segment, prefix = node.name, ""
    path = f"{parent.prefix}/{segment}" if parent.prefix else segment
    return Pointer(
        path=path,
        node=node.path,
        parent=parent.path,
        scope=parent.scope if scope is None else scope,
        prefix=prefix,
    )


def ended(draft: Draft, child: Pointer, end: End) -> None:
    """Tell whoever is around a visit that it has ended: the instance, the step whose hook it is, a container."""
    if child.parent is None:
        ending.instance_ended(draft, end)
        return
    parent = draft.pointers[child.parent]
    if child.role is not Role.BODY and child.undo is None:
        hooks.hook_ended(draft, parent, child.role, end)
        return
    progress = replace(parent.progress, live=parent.progress.live - 1)
    stopping = parent.phase is Phase.STOPPING
    if stopping and end.failure is not None and end.status in {StepStatus.FAILED, StepStatus.CANCELLED}:
        first = progress.failure
        progress = replace(progress, failure=end.failure if first is None else first.followed_by(end.failure))
    parent = draft.put(replace(parent, progress=progress))
    if not stopping:
        draft.primitive(parent).child_ended(draft, parent, child, end)
    elif progress.live == 0:
        draft.primitive(parent).stopped(draft, parent)


def fail_children(draft: Draft, pointer: Pointer, failure: Failure) -> None:
    """A container has failed: stop what still runs in it, then end its body."""
    progress = replace(pointer.progress, failure=pointer.progress.failure or failure)
    stop_children(draft, replace(pointer, progress=progress))


def remember_failure(draft: Draft, pointer: Pointer, failure: Failure, child: Pointer) -> Pointer:
    """A child has failed and the others go on; the failure of the first in start order will count."""
    progress = pointer.progress
    if progress.failure is None or child.seq < progress.failed_seq:
        progress = replace(progress, failure=failure, failed_seq=child.seq)
    return draft.put(replace(pointer, progress=progress))


def stop_children(draft: Draft, pointer: Pointer) -> None:
    """Stop all children; the primitive's `stopped` follows when the last has ended."""
    pointer = draft.put(replace(pointer, phase=Phase.STOPPING, wake_at=None))
    if pointer.progress.live == 0:
        draft.later(AllStopped(pointer.path))
        return
    why = pointer.stop or Stop.FAILURE
    for child in draft.in_order():
        if child.parent == pointer.path and child.role is Role.BODY:
            draft.later(StopVisit(child.path, why))


def all_stopped(draft: Draft, path: str) -> None:
    pointer = draft.pointers.get(path)
    if pointer is not None and pointer.phase is Phase.STOPPING and pointer.progress.live == 0:
        draft.primitive(pointer).stopped(draft, pointer)


def stop(draft: Draft, path: str, why: Stop) -> None:
    """Stop a visit from outside, wherever in its life it is. A stop is never taken back."""
    pointer = draft.pointers.get(path)
    if pointer is None or pointer.stop is not None:
        return
    pointer = draft.put(replace(pointer, stop=why))
    match pointer.phase:
        case Phase.READY:
            ending.finish(draft, pointer, CANCELLED)
        case Phase.BODY:
            draft.primitive(pointer).stop(draft, pointer)
        case Phase.SLEEPING | Phase.PARKED:
            hooks.before_end(draft, pointer, CANCELLED)
        case Phase.ON_SUCCESS | Phase.ON_FAILURE:
            draft.later(StopVisit(hooks.hook_path(pointer, Role(pointer.phase.value)), why))
        case Phase.STOPPING:
            stop_children(draft, pointer)
        case Phase.COMPENSATE | Phase.ENSURE:
            pass


def body_ended(draft: Draft, pointer: Pointer, end: End) -> None:
    """The body has ended by itself, by failing, or by being stopped."""
    pointer = draft.put(replace(pointer, wake_at=None, deadline=None, incarnation=None, wait=None))
    if end.status is StepStatus.COMPLETE:
        refused = scopes.refusal(pointer.result) or scopes.write(draft, pointer.scope, pointer.result)
        end = failed(refused) if refused else end
    match end.status:
        case StepStatus.COMPLETE:
            hooks.after_success(draft, pointer)
        case StepStatus.SKIPPED:
            ending.finish(draft, pointer, end)
        case StepStatus.FAILED:
            failure = end.failure or Failure(reason=Reason.ERROR, message="the step failed")
            _body_failed(draft, replace(pointer, failure=failure.at(pointer.path)))
        case _:
            hooks.before_end(draft, pointer, End(StepStatus.CANCELLED, end.failure))


def _body_failed(draft: Draft, pointer: Pointer) -> None:
    node = draft.node(pointer)
    behavior = node.error
    # What a container hears of a loss is only that a child failed; the child has had its tries.
    is_task = isinstance(node.spec, TaskSpec)
    lost = is_task and pointer.failure is not None and pointer.failure.reason is Reason.LOST
    if pointer.stop is not None:
        hooks.before_end(draft, pointer, End(StepStatus.CANCELLED, pointer.failure))
    elif lost and behavior.on_lost is OnLost.RETRY and pointer.losses < behavior.max_losses:
        _sleep(draft, replace(pointer, losses=pointer.losses + 1), LOST_PAUSE)
    elif lost or pointer.progress.undo_failed:
        hooks.after_failure(draft, pointer)
    elif behavior.type is OnError.RETRY and pointer.retries < behavior.max_retries:
        retries = pointer.retries + 1
        pause = backoff(behavior, retries, jitter=draft.world.jitter)
        _sleep(draft, replace(pointer, retries=retries), pause)
    elif behavior.type is OnError.SUSPEND:
        _park(draft, pointer)
    else:
        hooks.after_failure(draft, pointer)


def _sleep(draft: Draft, pointer: Pointer, pause: timedelta) -> None:
    wake_at = draft.now + pause
    draft.tell(draft.put(replace(pointer, phase=Phase.SLEEPING, status=StepStatus.SLEEPING, wake_at=wake_at)))


def _park(draft: Draft, pointer: Pointer) -> None:
    draft.tell(draft.put(replace(pointer, phase=Phase.PARKED, status=StepStatus.FAILED)))
    ending.suspend(draft, f"step `{pointer.path}` failed: {pointer.failure}")


def keep_attempt(draft: Draft, pointer: Pointer, attempt: AttemptRecord) -> Pointer:
    """Add an ended attempt to what the visit's record will tell."""
    return draft.put(replace(pointer, attempts=(*pointer.attempts, attempt)[-MAX_ATTEMPTS_KEPT:]))


def wake(draft: Draft, path: str) -> None:
    """The time a visit waited for has come: a retry, a delay, or its round has taken too long."""
    pointer = draft.pointers.get(path)
    if pointer is None or draft.is_suspended:
        return
    if pointer.phase is Phase.SLEEPING and pointer.wake_at is not None and pointer.wake_at <= draft.now:
        begin_round(draft, pointer)
    elif pointer.phase is Phase.BODY and pointer.deadline is not None and pointer.deadline <= draft.now:
        failure = Failure(reason=Reason.TIMEOUT, message="timed out").at(path)
        pointer = draft.put(
            replace(pointer, progress=replace(pointer.progress, failure=failure), deadline=None)
        )
        draft.primitive(pointer).stop(draft, pointer)
    elif pointer.phase is Phase.BODY and pointer.wake_at is not None and pointer.wake_at <= draft.now:
        pointer = draft.put(replace(pointer, wake_at=None))
        draft.primitive(pointer).due(draft, pointer)


def resume(draft: Draft, path: str) -> None:
    """The instance resumes: what was held back is entered, what an error parked runs again, budget renewed."""
    pointer = draft.pointers.get(path)
    if pointer is None:
        return
    if pointer.phase is Phase.READY:
        enter(draft, path)
    elif pointer.phase is Phase.PARKED:
        begin_round(draft, replace(pointer, retries=0, losses=0))
