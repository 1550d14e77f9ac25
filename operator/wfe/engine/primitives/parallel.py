"""`parallel`: children side by side, each in a scope of its own; joins on all, in the order of the file."""

from wfe.engine import scopes, visit
from wfe.engine.draft import Draft, End
from wfe.engine.primitive import Primitive
from wfe.engine.primitives.sequence import join_scopes
from wfe.graph.node import ParallelSpec
from wfe.model.pointer import Pointer
from wfe.model.status import StepStatus


class Parallel(Primitive):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        for node in draft.node(pointer).children:
            child = visit.child_of(pointer, node)
            child = visit.child_of(
                pointer, node, scope=scopes.open_scope(draft, child.path, pointer.scope, {})
            )
            visit.start_child(draft, draft.pointers[pointer.path], child)
        if not draft.node(pointer).children:
            visit.body_ended(draft, pointer, visit.COMPLETE)

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        spec = draft.node(pointer).spec
        if end.status is StepStatus.FAILED and end.failure is not None:
            if isinstance(spec, ParallelSpec) and spec.fail_fast:
                visit.fail_children(draft, pointer, end.failure)
                return
            pointer = visit.remember_failure(draft, pointer, end.failure, child)
        if pointer.progress.live == 0:
            self.stopped(draft, pointer)

    def stopped(self, draft: Draft, pointer: Pointer) -> None:
        refused = join_scopes(draft, pointer, list(draft.node(pointer).children))
        failure = pointer.progress.failure or refused
        if failure is not None:
            visit.body_ended(draft, pointer, visit.failed(failure))
        else:
            visit.body_ended(draft, pointer, visit.CANCELLED if pointer.stop else visit.COMPLETE)
