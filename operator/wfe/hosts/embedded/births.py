"""How instances come into being: begun here, or left to a worker."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wfe.engine import Birth
from wfe.graph.fields import resolve_inputs
from wfe.graph.graph import Graph
from wfe.graph.workflow import Workflow
from wfe.hosts.embedded.launch import Launch
from wfe.hosts.embedded.names import named
from wfe.hosts.wiring.engine_room import EngineRoom
from wfe.runtime.patience import persistently


class Births(ABC):
    """The part of a host that makes instances."""

    _room: EngineRoom
    _launch: Launch

    @abstractmethod
    def register(self, *workflows: Workflow) -> None:
        """Make workflows known."""

    async def start(
        self,
        workflow: str | Workflow,
        inputs: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        name: str | None = None,
        reference: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """Start an instance and return its id; it is durable when this returns.

        Args:
            workflow: a registered workflow's id, or a workflow, which is registered first.
            inputs: values for its declared inputs, and any others.
            version: which version; the highest by default.
            name: a unique name; `<workflow>-<a few characters of the id>` by default.
            reference: your own key for it, found by `list`.
            variables: what placeholders find after the data.

        Raises:
            NotFound: nobody knows the workflow.
            InputsInvalid: an input is missing or of the wrong type; nothing was started.
            NameTaken: another instance has the name.
        """
        graph, birth = await self._birth(workflow, inputs, version, variables)
        birth = replace(birth, name=name or "", reference=reference)
        return await named(graph, birth, lambda birth: self._launch.start(graph, birth))

    async def submit(
        self,
        workflow: str | Workflow,
        inputs: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        name: str | None = None,
        reference: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """Create an instance for a worker to begin and return its id; it is durable, and Pending, when this returns.

        Arguments and errors as for `start`.
        """
        graph, birth = await self._birth(workflow, inputs, version, variables)
        runtime, queue = self._room.runtime, self._room.queue
        birth = replace(birth, name=name or "", reference=reference)
        instance = await named(graph, birth, lambda birth: runtime.submit(graph, birth))
        if queue is not None:
            await persistently(runtime.clock, lambda: queue.put(instance, runtime.clock.now()))
        return instance

    async def _birth(
        self,
        workflow: str | Workflow,
        inputs: Mapping[str, Any] | None,
        version: int | None,
        variables: Mapping[str, Any] | None,
    ) -> tuple[Graph, Birth]:
        runtime = self._room.runtime
        known = dict(variables or {})
        if isinstance(workflow, Workflow):
            self.register(workflow)
            known = {**workflow.variables, **known}
            graph = workflow.graph
        else:
            graph = await runtime.definitions.find(workflow, version)
        values = resolve_inputs(graph, dict(inputs or {}), known)
        instance = runtime.clock.new_id()
        return graph, Birth(id=instance, name="", inputs=values, variables=known, trace=instance)
