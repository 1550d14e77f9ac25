"""`saga`: a sequence whose finished steps are undone, newest first, one at a time, when one fails.

What fails stops the siblings first; undoing starts when all have stopped. A compensation that fails does not keep
the others from running; the saga then fails with both errors, and nothing lets the flow go on.
"""

from wfe.engine import undo, visit
from wfe.engine.draft import Draft, End
from wfe.engine.primitives.sequence import Sequence
from wfe.graph.node import SagaSpec
from wfe.model.change import replace
from wfe.model.failure import Failure
from wfe.model.pointer import Phase, Pointer, Role, Stop
from wfe.model.status import StepStatus


class Saga(Sequence):
    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        if child.undo is None:
            super().child_ended(draft, pointer, child, end)
        else:
            self._undone(draft, pointer, child, end)

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        # An undo that has begun is carried through, whoever asks for the end.
        if not pointer.progress.undoing:
            super().stop(draft, pointer)

    def stopped(self, draft: Draft, pointer: Pointer) -> None:
        self.join(draft, pointer)
        spec = draft.node(pointer).spec
        assert isinstance(spec, SagaSpec)
        if pointer.stop is Stop.CANCEL and not spec.compensate_on_cancel:
            self._end(draft, pointer)
            return
        progress = replace(pointer.progress, undoing=True)
        self._undo_next(
            draft, draft.put(replace(pointer, phase=Phase.BODY, deadline=None, progress=progress))
        )

    def _undo_next(self, draft: Draft, pointer: Pointer) -> None:
        record = undo.newest(draft, pointer)
        if record is None:
            self._end(draft, pointer)
            return
        child = Pointer(
            path=f"{record.path}/compensate",
            node=record.node,
            parent=pointer.path,
            role=Role.COMPENSATE,
            scope=record.scope,
            undo=record.seq,
        )
        visit.start_child(draft, pointer, child)

    def _undone(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        assert child.undo is not None
        done = undo.settle(draft, child.undo)
        progress = pointer.progress
        if end.status is StepStatus.FAILED and end.failure is not None:
            first: Failure | None = progress.failure
            failure = end.failure if first is None else first.followed_by(end.failure)
            progress = replace(progress, failure=failure, undo_failed=True)
        elif done.record is not None and done.record.status is StepStatus.COMPLETE:
            draft.rewrite(replace(done.record, status=StepStatus.COMPENSATED))
        self._undo_next(draft, draft.put(replace(pointer, progress=progress)))

    def _end(self, draft: Draft, pointer: Pointer) -> None:
        failure = pointer.progress.failure
        visit.body_ended(draft, pointer, visit.failed(failure) if failure else visit.CANCELLED)
