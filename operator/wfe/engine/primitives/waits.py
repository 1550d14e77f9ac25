"""Steps that wait: for an event, for a while, until a time, for an outside worker. They hold no process."""

from collections.abc import Iterable
from datetime import datetime

from wfe.engine import scopes, visit
from wfe.engine.draft import Draft
from wfe.engine.names import ScopeNames
from wfe.engine.primitive import Answer, Primitive
from wfe.engine.primitives.task import end_of, record_attempt
from wfe.engine.values import as_text
from wfe.errors import Permanent
from wfe.expr.moment import parse_time
from wfe.expr.template import render
from wfe.graph.node import ActivitySpec, DelaySpec, Node, UntilSpec, WaitSpec
from wfe.model.change import replace
from wfe.model.commands import AwaitEvent, Command, OfferActivity, Withdraw
from wfe.model.json import Json
from wfe.model.pointer import Pointer, Wait
from wfe.model.signals import EventArrived, TaskEnded
from wfe.model.status import StepStatus


class _Waiting(Primitive):
    """A leaf that can be told to stop at once."""

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        draft.commands.append(Withdraw(path=pointer.path, attempt=pointer.attempt))
        self.stopped(draft, pointer)


class WaitFor(_Waiting):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        try:
            wait = self._wait(draft, pointer)
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))
            return
        pointer = draft.put(replace(pointer, wait=wait, status=StepStatus.WAITING))
        draft.commands.append(_await(pointer, wait))

    def answer(self, draft: Draft, pointer: Pointer, signal: Answer) -> None:
        spec = draft.node(pointer).spec
        wait = pointer.wait
        if not isinstance(signal, EventArrived) or wait is None or not isinstance(spec, WaitSpec):
            return
        if signal.sequence <= wait.after:
            return
        scopes.move_cursor(draft, pointer.scope, wait.event, wait.key, signal.sequence)
        result = payload_outputs(signal.payload, spec.output, draft.node(pointer).name)
        visit.body_ended(draft, draft.put(replace(pointer, result=result)), visit.COMPLETE)

    def outstanding(self, node: Node, pointer: Pointer, names: ScopeNames) -> Iterable[Command]:
        if pointer.wait is not None:
            yield _await(pointer, pointer.wait)

    @staticmethod
    def _wait(draft: Draft, pointer: Pointer) -> Wait:
        spec = draft.node(pointer).spec
        assert isinstance(spec, WaitSpec)
        names = draft.names(pointer)
        event, key = as_text(render(spec.event, names)), as_text(render(spec.key, names))
        as_of = as_text(render(spec.as_of, names))
        since: datetime | None
        match as_of:
            case "always":
                since = None
            case "now":
                since = draft.now
            case "start":
                since = draft.base.started_at or draft.base.created_at
            case _:
                since = parse_time(as_of)
        after = scopes.cursor(draft, pointer.scope, event, key)
        return Wait(event=event, key=key, after=after, since=since)


def payload_outputs(payload: Json, output: str | None, name: str) -> dict[str, Json]:
    """Return what a payload puts out: whole under a name, its keys if it is an object, else under the step's name."""
    if output is not None:
        return {output: payload}
    return payload if isinstance(payload, dict) else {name: payload}


def _await(pointer: Pointer, wait: Wait) -> AwaitEvent:
    return AwaitEvent(
        path=pointer.path,
        attempt=pointer.attempt,
        event=wait.event,
        key=wait.key,
        after=wait.after,
        since=wait.since,
    )


class Delay(Primitive):
    """`delay` and `until`."""

    def begin(self, draft: Draft, pointer: Pointer) -> None:
        spec = draft.node(pointer).spec
        assert isinstance(spec, DelaySpec | UntilSpec)
        try:
            if isinstance(spec, DelaySpec):
                wake_at = draft.now + visit.duration(spec.duration, draft, pointer)
            else:
                wake_at = parse_time(as_text(render(spec.time, draft.names(pointer))))
        except (Permanent, OverflowError) as error:
            visit.body_ended(draft, pointer, visit.invalid(Permanent(str(error))))
            return
        if wake_at <= draft.now:
            visit.body_ended(draft, pointer, visit.COMPLETE)
        else:
            draft.put(replace(pointer, status=StepStatus.SLEEPING, wake_at=wake_at))

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        self.stopped(draft, pointer)

    def due(self, draft: Draft, pointer: Pointer) -> None:
        visit.body_ended(draft, pointer, visit.COMPLETE)


class Activity(_Waiting):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        try:
            offers = list(self.outstanding(draft.node(pointer), pointer, draft.names(pointer)))
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))
            return
        draft.put(replace(pointer, status=StepStatus.WAITING, result={}))
        draft.commands.extend(offers)

    def answer(self, draft: Draft, pointer: Pointer, signal: Answer) -> None:
        if not isinstance(signal, TaskEnded):
            return
        spec = draft.node(pointer).spec
        assert isinstance(spec, ActivitySpec)
        outputs = {spec.output: dict(signal.outputs)} if spec.output else dict(signal.outputs)
        visit.body_ended(
            draft, record_attempt(draft, pointer, replace(signal, outputs=outputs)), end_of(signal)
        )

    def outstanding(self, node: Node, pointer: Pointer, names: ScopeNames) -> Iterable[Command]:
        spec = node.spec
        assert isinstance(spec, ActivitySpec)
        params = render(dict(spec.params), names)
        assert isinstance(params, dict)
        yield OfferActivity(
            path=pointer.path,
            attempt=pointer.attempt,
            name=as_text(render(spec.name, names)),
            params=params,
            claim=spec.claim,
        )
