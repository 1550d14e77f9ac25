"""Undo records: what a saga remembers of its finished steps, newest last.

A record is pushed when a visit with a compensation has ended (or failed: it may have had part of its effect) and
is dropped when it has been carried out, or when no saga is left that could need it.
"""

from wfe.engine import scopes
from wfe.engine.draft import Draft
from wfe.graph.node import OnError, SagaSpec
from wfe.model.change import replace
from wfe.model.instance import Undo
from wfe.model.pointer import Pointer, Role
from wfe.model.record import StepRecord


def saga_of(draft: Draft, pointer: Pointer) -> Pointer | None:
    """Return the nearest saga around a visit; none for what runs as, or in, a compensation."""
    while pointer.parent is not None:
        if pointer.role is Role.COMPENSATE:
            return None
        pointer = draft.pointers[pointer.parent]
        if isinstance(draft.node(pointer).spec, SagaSpec):
            return pointer
    return None


def push(draft: Draft, pointer: Pointer, record: StepRecord | None) -> None:
    """Remember how to undo a visit, if it can be undone and a saga is around it."""
    compensate = draft.node(pointer).compensate
    saga = None if compensate is None else saga_of(draft, pointer)
    if compensate is None or saga is None:
        return
    undo = Undo(
        seq=draft.next_seq(),
        saga=saga.path,
        path=pointer.path,
        node=compensate.path,
        scope=pointer.scope,
        outputs=pointer.result,
        record=record,
    )
    draft.put_undo(undo)
    scopes.hold(draft, undo.scope, 1)


def newest(draft: Draft, saga: Pointer) -> Undo | None:
    """Return the record that is to be undone next."""
    mine = [undo for undo in draft.undo.values() if undo.saga == saga.path]
    return max(mine, key=lambda undo: undo.seq, default=None)


def settle(draft: Draft, seq: int) -> Undo:
    """Drop a record and what it held."""
    undo = draft.drop_undo(seq)
    scopes.hold(draft, undo.scope, -1)
    return undo


def hand_over(draft: Draft, saga: Pointer) -> None:
    """A saga is over: its records go to the saga around it, or away."""
    outer = saga_of(draft, saga)
    for undo in [undo for undo in draft.undo.values() if undo.saga == saga.path]:
        if outer is None:
            settle(draft, undo.seq)
        else:
            draft.put_undo(replace(undo, saga=outer.path))


def recovers(draft: Draft, pointer: Pointer) -> bool:
    """Whether a failed visit undoes itself and lets the flow go on, instead of failing what is around it.

    A saga with a compensation of its own does, also inside another saga; any other step only outside of sagas.
    """
    node = draft.node(pointer)
    if pointer.progress.undo_failed or node.error.type is OnError.SUSPEND:
        return False
    if isinstance(node.spec, SagaSpec):
        return node.compensate is not None
    wants = node.error.type is OnError.COMPENSATE or (
        node.error.type is OnError.RETRY and node.compensate is not None
    )
    return wants and saga_of(draft, pointer) is None
