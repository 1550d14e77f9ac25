"""An instance as it is now, with the instances that its steps started, read from the cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfe.errors import Permanent
from wfe.graph.graph import Graph
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.embedded.view import StepView, all_steps, is_halted
from wfe.model.instance import Instance, WorkflowRef


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an instance.

    Attributes:
        instance: what its engine has saved; of one that has not begun, what its object says.
        steps: the visits of steps, those of children too, then steps that were never reached.
        is_halted: nothing goes on until somebody resumes it.
    """

    phase: Phase
    instance: Instance
    steps: Sequence[StepView] = ()
    is_halted: bool = False


async def look(room: Room, name: str) -> Look:
    """Look at an instance.

    Raises:
        NotFound: there is none.
    """
    found = phase(await room.instance(name))
    if found.is_begun and found.id not in room.known and not found.parent:
        # The store knows ids; by the name it learns where the instance of this one is.
        await room.store.resolve(found.name)
        room.known.add(found.id)
    value = await room.store.load(found.id) if found.is_begun else None
    if value is None:
        return Look(found, unbegun(found))
    steps = await all_steps(room.store, room.definitions, value)
    halted = not found.is_told_to_go_on and is_halted(await _family(room, value))
    return Look(found, value, steps, halted)


def unbegun(found: Phase) -> Instance:
    """Return what can be said of an instance that has no state yet, or never will."""
    return Instance(
        id=found.id,
        name=found.name,
        workflow=WorkflowRef(found.workflow, found.workflow_version, ""),
        status=found.status,
        reason=found.reason or None,
        message=found.message or None,
        created_at=found.created,
        started_at=found.started,
        finished_at=found.finished,
        reference=found.reference or None,
    )


async def graph_of(room: Room, instance: Instance) -> Graph | None:
    """Return the workflow that an instance is pinned to, if it can be read here."""
    try:
        return await room.definitions.pinned(instance.workflow)
    except Permanent:
        return None


async def _family(room: Room, instance: Instance) -> Sequence[Instance]:
    """Return an instance and those that its steps wait for."""
    members = [instance]
    for member in members:
        for pointer in member.pointers.values():
            child = await room.store.load(pointer.child) if pointer.child else None
            members += [child] if child is not None else []
    return members
