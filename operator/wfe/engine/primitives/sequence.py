"""`sequence`, and the groups that the language implies: children one after another.

A detached child (`schedule`) runs beside the path; the sequence ends when both have ended.
"""

from wfe.engine import scopes, visit
from wfe.engine.draft import Draft, End
from wfe.engine.primitive import Primitive
from wfe.graph.node import Node, ScheduleSpec
from wfe.model.change import replace
from wfe.model.failure import Failure
from wfe.model.pointer import Pointer
from wfe.model.status import StepStatus


class Sequence(Primitive):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        self.go_on(draft, pointer)

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        if end.status is StepStatus.FAILED and end.failure is not None:
            visit.fail_children(draft, pointer, end.failure)
        elif child.detached:
            self.end_if_done(draft, pointer)
        else:
            self.go_on(draft, pointer)

    def go_on(self, draft: Draft, pointer: Pointer) -> None:
        """Start the next child; a detached one is passed at once."""
        children = draft.node(pointer).children
        while pointer.progress.next < len(children):
            node = children[pointer.progress.next]
            pointer = replace(pointer, progress=replace(pointer.progress, next=pointer.progress.next + 1))
            detached = isinstance(node.spec, ScheduleSpec)
            child = replace(visit.child_of(pointer, node), detached=detached)
            if detached:
                child = replace(child, scope=scopes.open_scope(draft, child.path, pointer.scope, {}))
            visit.start_child(draft, pointer, child)
            pointer = draft.pointers[pointer.path]
            if not detached:
                return
        pointer = draft.put(replace(pointer, progress=replace(pointer.progress, done=True)))
        self.end_if_done(draft, pointer)

    def end_if_done(self, draft: Draft, pointer: Pointer) -> None:
        if pointer.progress.done and pointer.progress.live == 0:
            refused = self.join(draft, pointer)
            visit.body_ended(draft, pointer, visit.failed(refused) if refused else visit.COMPLETE)

    def stopped(self, draft: Draft, pointer: Pointer) -> None:
        self.join(draft, pointer)
        super().stopped(draft, pointer)

    @staticmethod
    def join(draft: Draft, pointer: Pointer) -> Failure | None:
        """Merge what detached children wrote, in the order of the file."""
        return join_scopes(draft, pointer, [n for n in draft.node(pointer).children if _is_detached(n)])


def _is_detached(node: Node) -> bool:
    return isinstance(node.spec, ScheduleSpec)


def join_scopes(draft: Draft, pointer: Pointer, nodes: list[Node]) -> Failure | None:
    """Merge the scopes of these children into the container's, in the given order."""
    refused = None
    for node in nodes:
        path = visit.child_of(pointer, node).path
        if path in draft.scopes and not draft.scopes[path].closed:
            data, cursors = scopes.take(draft, path)
            refused = scopes.merge(draft, pointer.scope, data, cursors) or refused
    return refused
