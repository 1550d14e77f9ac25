"""`if` and `switch`: at most one of the children runs, in the surrounding scope."""

from wfe.engine import visit
from wfe.engine.draft import Draft, End
from wfe.engine.primitive import Primitive
from wfe.engine.values import as_text, lookup
from wfe.errors import Permanent
from wfe.expr.condition import evaluate
from wfe.graph.node import IfSpec, SwitchSpec
from wfe.model.failure import Reason
from wfe.model.pointer import Pointer
from wfe.model.status import StepStatus


class _Choice(Primitive):
    """One chosen child, whose end is the body's end."""

    def choose(self, draft: Draft, pointer: Pointer) -> int | None:
        """Return the index of the child to run. Raises Permanent if that cannot be told."""
        raise NotImplementedError

    none = visit.COMPLETE

    def begin(self, draft: Draft, pointer: Pointer) -> None:
        try:
            index = self.choose(draft, pointer)
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error, Reason.CONDITION_INVALID))
            return
        children = draft.node(pointer).children
        if index is None or index >= len(children):
            visit.body_ended(draft, pointer, self.none)
        else:
            visit.start_child(draft, pointer, visit.child_of(pointer, children[index]))

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        failed = end.status is StepStatus.FAILED
        visit.body_ended(draft, pointer, end if failed else visit.COMPLETE)


class If(_Choice):
    def choose(self, draft: Draft, pointer: Pointer) -> int | None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, IfSpec)
        return 0 if evaluate(spec.condition, draft.names(pointer)) else 1


class Switch(_Choice):
    none = visit.SKIPPED

    def choose(self, draft: Draft, pointer: Pointer) -> int | None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, SwitchSpec)
        text = as_text(lookup(spec.value, draft.names(pointer)))
        return spec.cases.get(text, spec.default)
