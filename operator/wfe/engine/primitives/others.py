"""`workflow` (a child instance), `schedule`, `end`."""

from collections.abc import Iterable

from wfe.engine import visit
from wfe.engine.draft import Draft, End, StopVisit
from wfe.engine.names import ScopeNames
from wfe.engine.primitive import Answer, Primitive
from wfe.engine.values import as_text
from wfe.errors import Permanent
from wfe.expr.template import render
from wfe.graph.node import ChildSpec, EndSpec, Node, ScheduleSpec
from wfe.model.change import replace
from wfe.model.commands import CancelChild, Command, StartChild
from wfe.model.failure import Failure, Reason
from wfe.model.ids import child_id
from wfe.model.instance import ROOT, EndRequest
from wfe.model.pointer import Pointer, Stop
from wfe.model.signals import ChildEnded
from wfe.model.status import InstanceStatus, StepStatus


class Child(Primitive):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        pointer = draft.put(
            replace(pointer, child=child_id(draft.base.id, pointer.path, pointer.attempt), result={})
        )
        try:
            draft.commands.extend(self.outstanding(draft.node(pointer), pointer, draft.names(pointer)))
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        draft.commands.append(_cancel(pointer))

    def answer(self, draft: Draft, pointer: Pointer, signal: Answer) -> None:
        spec = draft.node(pointer).spec
        if not isinstance(signal, ChildEnded) or not isinstance(spec, ChildSpec):
            return
        if signal.status is InstanceStatus.COMPLETE:
            outputs = dict(signal.outputs)
            if spec.outputs is not None:
                outputs = {new: outputs[old] for new, old in spec.outputs.items() if old in outputs}
            visit.body_ended(draft, draft.put(replace(pointer, result=outputs)), visit.COMPLETE)
        elif signal.status is InstanceStatus.TERMINATED and pointer.stop is not None:
            visit.body_ended(draft, pointer, End(StepStatus.CANCELLED, signal.failure))
        else:
            visit.body_ended(draft, pointer, pointer_failure(spec, pointer, signal))

    def outstanding(self, node: Node, pointer: Pointer, names: ScopeNames) -> Iterable[Command]:
        spec = node.spec
        assert isinstance(spec, ChildSpec)
        inputs = render(dict(spec.inputs), names)
        assert isinstance(inputs, dict)
        yield StartChild(
            path=pointer.path,
            attempt=pointer.attempt,
            child=pointer.child or "",
            workflow=spec.workflow,
            version=spec.version,
            inputs=inputs,
        )
        if pointer.stop is not None or pointer.progress.failure is not None:
            yield _cancel(pointer)


def pointer_failure(spec: ChildSpec, pointer: Pointer, signal: ChildEnded) -> End:
    """Return the end of a step whose child did not complete; a timeout of ours counts before the child's end."""
    if pointer.progress.failure is not None:
        return visit.failed(pointer.progress.failure)
    what = "was terminated" if signal.status is InstanceStatus.TERMINATED else f"failed: {signal.failure}"
    code = signal.failure.exit_code if signal.failure else None
    message = f"workflow `{spec.workflow}` {what}"
    return visit.failed(Failure(reason=Reason.CHILD_FAILED, message=message, exit_code=code))


def _cancel(pointer: Pointer) -> CancelChild:
    return CancelChild(path=pointer.path, attempt=pointer.attempt, child=pointer.child or "")


class Schedule(Primitive):
    """Starts its steps later; what is around it has gone on already (`Pointer.detached`)."""

    def begin(self, draft: Draft, pointer: Pointer) -> None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, ScheduleSpec)
        try:
            after = visit.duration(spec.after, draft, pointer)
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))
            return
        draft.put(replace(pointer, wake_at=draft.now + after, status=StepStatus.SLEEPING))

    def due(self, draft: Draft, pointer: Pointer) -> None:
        body = draft.node(pointer).children[0]
        pointer = replace(pointer, status=StepStatus.RUNNING)
        visit.start_child(draft, pointer, visit.child_of(pointer, body))

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        visit.body_ended(draft, pointer, end if end.status is StepStatus.FAILED else visit.COMPLETE)


class EndStep(Primitive):
    """Ends the instance: everything else is stopped, then it takes the status asked for."""

    def begin(self, draft: Draft, pointer: Pointer) -> None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, EndSpec)
        try:
            message = render(spec.message, draft.names(pointer))
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))
            return
        text = None if message is None else as_text(message)
        if draft.get("end") is None:
            draft.head["end"] = EndRequest(status=spec.status, message=text)
        draft.put(replace(pointer, message=text))
        draft.later(StopVisit(ROOT, Stop.CANCEL))

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        visit.body_ended(draft, pointer, visit.COMPLETE)
