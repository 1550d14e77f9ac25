"""`advance`: from an instance and what happened to the next instance and what there is to do.

It is a pure function of its arguments: the same call gives the same decision, so a decision that was lost with its
process is made again, and a save that found a newer revision is decided anew on that revision.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from wfe.engine import carried, ending, restart, scopes, visit
from wfe.engine.draft import AllStopped, Circumstances, Draft, Ended, Enter, StopVisit
from wfe.engine.names import names_of
from wfe.engine.primitives import PRIMITIVES
from wfe.graph.graph import Graph
from wfe.model.commands import Command, ResumeChild
from wfe.model.decision import Decision
from wfe.model.failure import Failure, Reason
from wfe.model.instance import ROOT, Instance, ParentRef
from wfe.model.json import Data, Json
from wfe.model.parts import GIVEN
from wfe.model.pointer import Phase, Pointer, Role, Stop
from wfe.model.signals import (
    CancelRequested,
    ChildEnded,
    EventArrived,
    FailRequested,
    ResumeRequested,
    Signal,
    SuspendRequested,
    TaskEnded,
)
from wfe.model.status import InstanceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What an instance is born with.

    `inputs` have been checked (`graph.fields.resolve_inputs`); `carried` are outputs of visits that completed in
    the instance that this one retries (`engine.carried.completed`); `volume_of` is the instance whose volume it
    has taken over.
    """

    id: str
    name: str
    inputs: Data = field(default_factory=dict)
    variables: Data = field(default_factory=dict)
    reference: str | None = None
    parent: ParentRef | None = None
    ordered_at: int = 0
    root: str | None = None
    retry_of: str | None = None
    volume_of: str | None = None
    trace: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    carried: Mapping[str, dict[str, Json]] = field(default_factory=dict)


def submit(graph: Graph, birth: Birth, *, world: Circumstances, message: str | None = None) -> Decision:
    """Return a new instance that is Pending, at revision 1: the first `advance` that may begins it.

    The message says what it waits for.
    """
    draft = _born(graph, birth, world)
    draft.head["message"] = message
    return draft.decision()


def begin(graph: Graph, birth: Birth, *, world: Circumstances) -> Decision:
    """Return a new instance that has begun, at revision 1, and what it starts with."""
    draft = _born(graph, birth, world)
    _set_out(draft)
    return draft.decision()


def _born(graph: Graph, birth: Birth, world: Circumstances) -> Draft:
    instance = Instance(
        id=birth.id,
        name=birth.name,
        workflow=graph.workflow,
        created_at=world.now,
        reference=birth.reference,
        parent=birth.parent,
        ordered_at=birth.ordered_at,
        root=birth.root,
        retry_of=birth.retry_of,
        volume_of=birth.volume_of,
        trace=birth.trace,
        pins=birth.pins,
        inputs=dict(birth.inputs),
        variables=dict(birth.variables),
    )
    draft = Draft(graph, instance, world, PRIMITIVES)
    draft.touched.add(GIVEN)
    scopes.open_root(draft, birth.inputs)
    carried.keep(draft, birth.carried)
    draft.put(Pointer(path=ROOT, node=graph.root.path, parent=None, scope=ROOT))
    return draft


def _set_out(draft: Draft) -> None:
    """Begin; the time of the workflow runs from now."""
    limit = draft.graph.timeout
    draft.head["started_at"] = draft.now
    draft.head["message"] = None
    draft.head["deadline"] = None if limit is None else draft.now + limit
    draft.become(InstanceStatus.RUNNING)
    draft.later(Enter(ROOT))
    _settle(draft)


def advance(
    graph: Graph, instance: Instance, signals: Sequence[Signal] = (), *, world: Circumstances
) -> Decision:
    """Decide what follows from signals and from the time.

    Args:
        graph: the definition that the instance is pinned to.
        instance: its last saved value.
        signals: what happened, in any order; what is stale or came before changes nothing.
        world: the time, a throw of the dice, and the incarnation of the executor for new attempts.

    Returns:
        The decision; its instance is the given one if nothing changed.
    """
    draft = Draft(graph, instance, world, PRIMITIVES)
    for signal in signals:
        if draft.status.is_final:
            break
        _take(draft, signal)
        _settle(draft)
    if draft.status is InstanceStatus.PENDING and world.may_begin:
        _set_out(draft)
    _wake(draft)
    return draft.decision()


def outstanding(graph: Graph, instance: Instance) -> tuple[Command, ...]:
    """Return every command that the instance waits for; giving one again is harmless."""
    found: list[Command] = []
    if instance.status.is_final:
        return ()
    for pointer in sorted(instance.pointers.values(), key=lambda pointer: pointer.seq):
        if pointer.phase is Phase.BODY:
            node = graph.nodes[pointer.node]
            found.extend(
                PRIMITIVES[type(node.spec)].outstanding(node, pointer, names_of(instance, pointer.path))
            )
    return tuple(found)


def _take(draft: Draft, signal: Signal) -> None:
    match signal:
        case TaskEnded() | EventArrived() | ChildEnded():
            pointer = draft.pointers.get(signal.path)
            if pointer is not None and pointer.phase is Phase.BODY and pointer.attempt == signal.attempt:
                draft.primitive(pointer).answer(draft, pointer, signal)
        case SuspendRequested(reason=reason):
            if _is_in_order(draft, signal):
                ending.suspend(draft, reason)
        case ResumeRequested(reason=reason):
            if _is_in_order(draft, signal) and reason in {None, draft.get("reason")}:
                _resume(draft)
        case CancelRequested() | FailRequested():
            _stop(draft, signal)
        case _:
            assert_never(signal)


def _settle(draft: Draft) -> None:
    """Carry out the agenda until nothing follows any more."""
    while draft.agenda:
        item = draft.agenda.popleft()
        match item:
            case Enter(path=path):
                visit.enter(draft, path)
            case Ended(pointer=pointer, end=end):
                visit.ended(draft, pointer, end)
            case StopVisit(path=path, why=why):
                visit.stop(draft, path, why)
            case AllStopped(path=path):
                visit.all_stopped(draft, path)
            case _:
                assert_never(item)


def _wake(draft: Draft) -> None:
    """Act on everything that is due; what an action makes due at once is due as well."""
    if draft.status.is_final or draft.is_suspended:
        return
    limit = draft.get("deadline")
    if limit is not None and limit <= draft.now and draft.get("failure") is None:
        draft.head["deadline"] = None
        _fail(draft, Failure(reason=Reason.TIMEOUT, message="the workflow timed out"))
        _settle(draft)
    for path in _due(draft):
        visit.wake(draft, path)
        _settle(draft)


def _due(draft: Draft) -> Iterable[str]:
    now = draft.now
    return [
        pointer.path
        for pointer in draft.in_order()
        if (pointer.wake_at is not None and pointer.wake_at <= now)
        or (pointer.deadline is not None and pointer.deadline <= now)
    ]


def _is_in_order(draft: Draft, signal: SuspendRequested | ResumeRequested) -> bool:
    """Whether no later order of the parent's has come before: a host that lags behind may give an old one."""
    if signal.parent_revision is None:
        return True
    if signal.parent_revision < draft.get("ordered_at"):
        return False
    draft.head["ordered_at"] = signal.parent_revision
    return True


def _resume(draft: Draft) -> None:
    if not draft.is_suspended:
        return
    since = draft.get("suspended_at") or draft.now
    spent = draft.now - since
    limit = draft.get("deadline")
    draft.head["deadline"] = None if limit is None else limit + spent
    draft.head["suspended_for"] = draft.get("suspended_for") + spent
    draft.head["suspended_at"] = None
    if draft.get("started_at") is None:
        draft.become(InstanceStatus.PENDING)
        return
    draft.become(InstanceStatus.RUNNING)
    for pointer in draft.in_order():
        if pointer.child is not None:
            draft.commands.append(ResumeChild(path=pointer.path, child=pointer.child))
        visit.resume(draft, pointer.path)


def _stop(draft: Draft, signal: CancelRequested | FailRequested) -> None:
    match signal:
        case CancelRequested(reason=reason):
            _cancel(draft, reason)
        case FailRequested(failure=failure):
            _fail(draft, failure)


def _cancel(draft: Draft, reason: str) -> None:
    if draft.get("cancelled"):
        return
    draft.head["cancelled"] = True
    draft.head["message"] = reason
    if draft.is_suspended:
        _resume_for_cancel(draft)
    draft.later(StopVisit(ROOT, Stop.CANCEL))


def _fail(draft: Draft, failure: Failure) -> None:
    if draft.get("failure") is not None or draft.get("cancelled"):
        return
    draft.head["failure"] = failure
    if restart.is_wanted(draft, failure):
        draft.head["restarting"] = True
    if draft.is_suspended:
        _resume_for_cancel(draft)
    draft.later(StopVisit(ROOT, Stop.FAILURE))


def _resume_for_cancel(draft: Draft) -> None:
    """Leave the suspension, because `ensure` hooks must run; what else was held back never starts."""
    draft.head["suspended_at"] = None
    draft.become(InstanceStatus.RUNNING)
    for pointer in draft.in_order():
        if pointer.phase is Phase.READY and pointer.role in {Role.ENSURE, Role.COMPENSATE}:
            draft.later(Enter(pointer.path))
