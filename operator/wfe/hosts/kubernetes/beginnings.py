"""Beginning: from what an object asks for to an instance that runs, or to the reason why it cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wfe.engine import Birth
from wfe.engine.carried import completed
from wfe.errors import NotFound, Permanent
from wfe.graph.fields import InputsInvalid, resolve_inputs
from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.heritage import Heritage, not_carried
from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.hosts.kubernetes.reconcile import count_of, text_of
from wfe.hosts.kubernetes.rooms import Room
from wfe.hosts.kubernetes.verdict import circle
from wfe.hosts.kubernetes.workflows import Workflows
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.status import InstanceStatus
from wfe.ports.executor import CannotGoOn
from wfe.providers.customresource import InstanceObject, ObjectGone

MOST_WORKFLOWS: Final = 500


class Refused(Permanent):
    """The instance cannot begin as things are: one word, and a sentence with the way out."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def is_about_workflow(self) -> bool:
        """Whether only a change of a Workflow can help, or of the instance itself."""
        return self.reason in {"WorkflowNotFound", "WorkflowInvalid", "InputsInvalid", "SpecInvalid"}


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Begins instances."""

    workflows: Workflows
    homes: TreeHomes
    heritage: Heritage

    async def begin(self, room: Room, found: InstanceObject) -> str:
        """Start the instance that an object asks for; return what its user should know, or "".

        Raises:
            Refused: it cannot be.
            ObjectGone: somebody deleted the object meanwhile.
            Retryable: not now.
        """
        try:
            graph, birth = await self._asked_for(room, found)
            graphs = await self._closure(room, graph, birth.pins)
            home = self.homes.expect(room.place, _newborn(room, graph, birth), graphs)
            note = ""
            if birth.retry_of is not None and not await self.heritage.take(home, birth.retry_of):
                birth = replace(birth, volume_of=None)
                self.homes.expect(room.place, _newborn(room, graph, birth), graphs)
                note = not_carried(home, text_of(found.spec.retry_of, "name")) if birth.carried else ""
            await room.runtime.start(graph, birth)
            return note
        except (Refused, ObjectGone):
            raise
        except CannotGoOn as error:
            raise Refused(error.failure.reason.value, str(error.failure)) from error
        except Permanent as error:
            raise Refused("Refused", str(error)) from error

    async def _asked_for(self, room: Room, found: InstanceObject) -> tuple[Graph, Birth]:
        if found.spec.retry_of is not None:
            return await self._retried(room, found)
        graph = await self._workflow(room, found)
        inputs, variables = _mapping(found, "inputs"), _mapping(found, "variables")
        pins = await self._pins(room, graph)
        try:
            values = resolve_inputs(graph, inputs, variables)
        except InputsInvalid as error:
            raise Refused("InputsInvalid", in_spec(error)) from error
        return graph, self._birth(room, found, inputs=values, variables=variables, pins=pins)

    def _birth(self, room: Room, found: InstanceObject, **more: Any) -> Birth:
        reference = found.spec.reference
        return Birth(
            id=found.metadata.uid,
            name=found.metadata.name,
            reference=reference if isinstance(reference, str) else None,
            trace=room.runtime.clock.new_id(),
            **more,
        )

    # -- its workflow ------------------------------------------------------------------------------------------

    async def _workflow(self, room: Room, found: InstanceObject) -> Graph:
        name = text_of(found.spec.workflow_ref, "name")
        known = await self.workflows.find(room.namespace, name) if name else None
        if known is None:
            hint = self.workflows.hint(room.namespace, name)
            raise Refused(
                "WorkflowNotFound",
                f"there is no Workflow `{name}` in namespace `{room.namespace}`; {hint}it begins once there is",
            )
        if known.graph is None:
            raise Refused("WorkflowInvalid", f"Workflow `{name}` is not valid:\n{known.message}")
        for other in await self.workflows.of(room.namespace):
            if other.graph is not None:
                room.runtime.definitions.register(other.graph)
        version = count_of(found.spec.workflow_ref.get("version"))
        if not version or version == known.graph.workflow.version:
            return known.graph
        return await self._version(room, known.graph, version)

    async def _version(self, room: Room, current: Graph, version: int) -> Graph:
        workflow = current.workflow
        try:
            return await room.runtime.definitions.find(workflow.id, version)
        except NotFound as error:
            raise Refused(
                "WorkflowNotFound",
                f"Workflow `{workflow.id}` is at version {workflow.version}, and version {version} was never applied "
                "here; correct spec.workflowRef.version, or leave it out",
            ) from error

    async def _pins(self, room: Room, graph: Graph) -> Mapping[str, str]:
        try:
            return await room.runtime.definitions.closure(graph)
        except NotFound as error:
            raise Refused(
                "WorkflowNotFound", f"workflow `{graph.workflow.id}` starts others, but {error}"
            ) from error

    async def _closure(self, room: Room, graph: Graph, pins: Mapping[str, str]) -> Sequence[Graph]:
        if len(pins) > MOST_WORKFLOWS:
            raise Refused(
                "WorkflowInvalid", f"it starts {len(pins)} workflows, {MOST_WORKFLOWS} are the most"
            )
        definitions = room.runtime.definitions
        children = [await definitions.pinned(WorkflowRef("", 0, pin)) for pin in sorted(set(pins.values()))]
        found = circle(graph, {child.workflow.id: child for child in children})
        if found:
            way = " → ".join(f"`{name}`" for name in found)
            raise Refused(
                "WorkflowInvalid", f"workflows start each other in a circle: {way}; take one step out"
            )
        return [graph, *children]

    # -- a retry -----------------------------------------------------------------------------------------------

    async def _retried(self, room: Room, found: InstanceObject) -> tuple[Graph, Birth]:
        source = await self._source(room, found)
        graph = await room.runtime.definitions.pinned(source.workflow)
        given = _mapping(found, "inputs")
        if any(source.inputs.get(name) != value for name, value in given.items()):
            raise Refused(
                "RetryInvalid",
                f"a retry has the inputs of `{source.name}`; leave spec.inputs out, or start a new instance",
            )
        history = await room.store.history(source.id)
        return graph, self._birth(
            room,
            found,
            inputs=source.inputs,
            variables=source.variables,
            retry_of=source.id,
            volume_of=source.volume_of or source.id,
            pins=source.pins,
            carried=completed(graph, history),
        )

    async def _source(self, room: Room, found: InstanceObject) -> Instance:
        name, uid = text_of(found.spec.retry_of, "name"), text_of(found.spec.retry_of, "uid")
        resolved = await room.store.resolve(name) if name else None
        source = await room.store.load(resolved) if resolved else None
        if source is None or (uid and uid != source.id):
            raise Refused("RetryInvalid", f"there is no instance `{name}` to retry; correct spec.retryOf")
        if source.parent is not None:
            raise Refused(
                "RetryInvalid", f"`{name}` was started by a step of another instance; retry that one"
            )
        if not source.status.is_final or source.status is InstanceStatus.COMPLETE:
            raise Refused(
                "RetryInvalid",
                f"instance `{name}` is {source.status}; only one that failed or was terminated is retried",
            )
        return source


def _newborn(room: Room, graph: Graph, birth: Birth) -> Instance:
    """Return as much of an instance that is about to begin as its home depends on."""
    return Instance(
        id=birth.id,
        name=birth.name,
        workflow=graph.workflow,
        created_at=room.runtime.clock.now(),
        inputs=birth.inputs,
        variables=birth.variables,
        volume_of=birth.volume_of,
    )


def _mapping(found: InstanceObject, field: str) -> dict[str, Any]:
    value = getattr(found.spec, field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("SpecInvalid", f"spec.{field} is not a mapping; write names and values")
    return value


def in_spec(error: InputsInvalid) -> str:
    """Return what is wrong with the inputs of an instance in the words of its spec."""
    return f"spec.inputs: {'; '.join(error.told(lambda name: f'give it as `{name}: …`'))}"
