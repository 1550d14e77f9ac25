"""`while` and `recur`: rounds of one child, each in a scope that is merged as the round ends."""

from datetime import timedelta

from wfe.engine import scopes, visit
from wfe.engine.draft import Draft, End
from wfe.engine.primitive import Primitive
from wfe.errors import Permanent
from wfe.expr.condition import evaluate
from wfe.graph.node import RecurSpec, WhileSpec
from wfe.model.change import replace
from wfe.model.failure import Failure, Reason
from wfe.model.pointer import Pointer
from wfe.model.status import StepStatus


def start_round(draft: Draft, pointer: Pointer) -> None:
    """Start the next round: `w[0]`, `w[1]`, …"""
    index = pointer.progress.next
    pointer = replace(pointer, progress=replace(pointer.progress, next=index + 1))
    path = f"{pointer.prefix}[{index}]"
    scopes.open_scope(draft, path, pointer.scope, {})
    body = draft.node(pointer).children[0]
    visit.start_child(
        draft, pointer, Pointer(path=path, node=body.path, parent=pointer.path, scope=path, prefix=path)
    )


def merge_round(draft: Draft, pointer: Pointer, child: Pointer) -> Failure | None:
    """Merge what a round wrote."""
    data, cursors = scopes.take(draft, child.scope)
    return scopes.merge(draft, pointer.scope, data, cursors)


class _Rounds(Primitive):
    def next_round(self, draft: Draft, pointer: Pointer) -> None:
        """Start a round, wait for its time, or end the body. Raises Permanent for values that are wrong."""
        raise NotImplementedError

    def go_on(self, draft: Draft, pointer: Pointer) -> None:
        try:
            self.next_round(draft, pointer)
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error, Reason.CONDITION_INVALID))

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        refused = merge_round(draft, pointer, child)
        if end.status is StepStatus.FAILED:
            visit.body_ended(draft, pointer, end)
        elif refused:
            visit.body_ended(draft, pointer, visit.failed(refused))
        else:
            self.go_on(draft, pointer)

    def stopped(self, draft: Draft, pointer: Pointer) -> None:
        for path in [f"{pointer.prefix}[{pointer.progress.next - 1}]"]:
            if path in draft.scopes and not draft.scopes[path].closed:
                data, cursors = scopes.take(draft, path)
                scopes.merge(draft, pointer.scope, data, cursors)
        super().stopped(draft, pointer)


class While(_Rounds):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        self.go_on(draft, pointer)

    def next_round(self, draft: Draft, pointer: Pointer) -> None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, WhileSpec)
        if not evaluate(spec.condition, draft.names(pointer)):
            visit.body_ended(draft, pointer, visit.COMPLETE)
        elif pointer.progress.next >= spec.max_iterations:
            message = f"the condition still holds after {spec.max_iterations} rounds; raise max_iterations"
            failure = Failure(reason=Reason.MAX_ITERATIONS, message=message)
            visit.body_ended(draft, pointer, visit.failed(failure))
        else:
            start_round(draft, pointer)


class Recur(_Rounds):
    """At once, then every interval from the last start, never overlapping, until the condition holds."""

    def begin(self, draft: Draft, pointer: Pointer) -> None:
        self._start(draft, pointer)

    def next_round(self, draft: Draft, pointer: Pointer) -> None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, RecurSpec)
        if spec.until is not None and evaluate(spec.until, draft.names(pointer)):
            visit.body_ended(draft, pointer, visit.COMPLETE)
            return
        due_at = pointer.progress.due_at or draft.now
        if due_at <= draft.now:
            self._start(draft, pointer)
        else:
            draft.tell(draft.put(replace(pointer, wake_at=due_at, status=StepStatus.SLEEPING)))

    def due(self, draft: Draft, pointer: Pointer) -> None:
        self._start(draft, replace(pointer, status=StepStatus.RUNNING))

    def _start(self, draft: Draft, pointer: Pointer) -> None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, RecurSpec)
        try:
            every = visit.duration(spec.every, draft, pointer)
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))
            return
        due_at = draft.now + max(every, timedelta(milliseconds=1))
        start_round(draft, replace(pointer, progress=replace(pointer.progress, due_at=due_at)))
