"""`WorkflowHost`: run workflows inside a Python program.

    async with WorkflowHost("sqlite:state.db") as host:
        host.register(workflow)
        run = await host.run("deploy", {"image": "app:1"})
        print(run.status, run.outputs)

Processes that steps start outlive the host and are found again by the next one on the same store and state
directory. Steps in Python run in this process: at least once after a crash.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from wfe.engine import Birth
from wfe.engine.carried import completed
from wfe.errors import NotFound, Permanent
from wfe.graph.fields import resolve_inputs
from wfe.hosts.embedded.activities import Activities
from wfe.hosts.embedded.view import describe
from wfe.hosts.wiring.engine_room import EngineRoom, Settings, build
from wfe.model.instance import Instance
from wfe.model.json import Data, Json
from wfe.model.record import Lifecycle, StepRecord
from wfe.model.signals import CancelRequested, ResumeRequested, Signal, SuspendRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import Query, Summary
from wfe.graph.workflow import Workflow

Change = tuple[Instance, Lifecycle]


class NotEnded(Permanent):
    """Only an instance that has ended can be retried."""


@dataclass(frozen=True, slots=True)
class _Subscription:
    queue: "asyncio.Queue[Change]"


class WorkflowHost:
    """Runs workflows in this process.

    Args:
        store: where instances live: `memory:` or `sqlite:PATH`.
        workspace: the directory that steps work in; the current one by default.
        state: the directory for steps' files and logs; `.wfe` in the workspace by default.
        max_tasks: how many tasks run at once; max(8, 4 × cores) by default.
        env: names of this process's environment variables that steps may see.
        recover: go on with every unfinished instance of the store when the host starts.
        settings: all of these at once, for hosts that need more.
    """

    def __init__(
        self,
        store: str = "memory:",
        *,
        workspace: str | Path = ".",
        state: str | Path | None = None,
        max_tasks: int | None = None,
        env: Sequence[str] = (),
        recover: bool = True,
        settings: Settings | None = None,
    ) -> None:
        base = Path(workspace)
        self._settings = settings or Settings(
            store=store,
            state=Path(state) if state is not None else base / ".wfe",
            workspace=base,
            max_tasks=max_tasks,
            inherit=tuple(env),
        )
        self._recover = recover
        self._room: EngineRoom = build(self._settings)
        self._subscriptions: list[asyncio.Queue[Change]] = []
        self._room.runtime.listeners.append(self._publish)
        self.activities = Activities(self._room.runtime)

    # -- life --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start_host()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start_host(self) -> None:
        """Open the store and, unless told otherwise, go on with what an earlier host left.

        Raises:
            StoreUnavailable: the store cannot be reached.
            Permanent: the store is damaged or of a later version; the message says what to do.
        """
        await self._room.open()
        if self._recover:
            for instance in await self._room.store.unfinished():
                await self._recover_one(instance)

    async def _recover_one(self, instance: str) -> None:
        from wfe.runtime.runtime import HeldElsewhere

        try:
            loaded = await self._room.store.load(instance)
            if loaded is not None and loaded.parent is None:
                await self._room.runtime.recover(instance)
        except HeldElsewhere:
            return

    async def stop(self, grace: timedelta = timedelta(seconds=10)) -> None:
        """Stop the host: wait at most `grace` for Python steps. Processes go on and are found again."""
        await self._room.close(grace)

    # -- workflows ---------------------------------------------------------------------------------------------

    def register(self, *workflows: Workflow) -> None:
        """Make workflows known. The same id and version with other content serves new instances only."""
        for workflow in workflows:
            self._room.runtime.definitions.register(workflow.graph)
            self._room.callables.update(workflow.callables)

    # -- instances ---------------------------------------------------------------------------------------------

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
        runtime = self._room.runtime
        variables = dict(variables or {})
        if isinstance(workflow, Workflow):
            self.register(workflow)
            variables = {**workflow.variables, **variables}
            graph = workflow.graph
        else:
            graph = await runtime.definitions.find(workflow, version)
        values = resolve_inputs(graph, dict(inputs or {}), variables)
        instance = runtime.clock.new_id()
        birth = Birth(
            id=instance,
            name=name or f"{graph.workflow.id}-{instance[:6]}",
            inputs=values,
            variables=variables,
            reference=reference,
        )
        return await runtime.start(graph, birth)

    async def run(self, workflow: str | Workflow, inputs: Mapping[str, Any] | None = None, **more: Any) -> Instance:
        """Start an instance and return it when it has ended; arguments as for `start`."""
        return await self.wait(await self.start(workflow, inputs, **more))

    async def wait(self, instance: str) -> Instance:
        """Return an instance, by id or name, when it has ended."""
        return await self._room.runtime.wait(await self._id(instance))

    async def get(self, instance: str) -> Instance:
        """Return the last saved value of an instance, by id or name.

        Raises:
            NotFound: there is none.
        """
        instance_id = await self._id(instance)
        found = self._room.runtime.value(instance_id) or await self._room.store.load(instance_id)
        if found is None:
            raise NotFound(f"there is no instance `{instance}`")
        return found

    async def describe(self, instance: str) -> dict[str, Any]:
        """Return an instance with its steps as plain JSON data; `wfe run --output json` prints it."""
        return await describe(self._room.store, self._room.runtime.definitions, await self.get(instance))

    async def list(self, query: Query | None = None) -> Sequence[Summary]:
        """Return instances, newest first."""
        return await self._room.store.list(query or Query())

    async def history(self, instance: str) -> Sequence[StepRecord]:
        """Return the ended visits of steps, in start order."""
        return await self._room.store.history(await self._id(instance))

    async def suspend(self, instance: str, reason: str = "suspended on request") -> None:
        """Start nothing new in an instance; what runs finishes."""
        await self._signal(instance, SuspendRequested(reason=reason))

    async def resume(self, instance: str) -> str:
        """Go on with an instance that has not ended: resume it if it is suspended, drive it if nobody does.

        Raises:
            NotFound: there is none.
            HeldElsewhere: another live process works on it.
        """
        instance_id = await self._id(instance)
        await self._room.runtime.recover(instance_id)
        await self._signal(instance_id, ResumeRequested())
        return instance_id

    async def cancel(self, instance: str, reason: str = "cancelled on request") -> None:
        """Stop an instance: its steps are killed, its `ensure` hooks run, it ends Terminated."""
        await self._signal(instance, CancelRequested(reason=reason))

    async def retry(self, instance: str, *, name: str | None = None) -> str:
        """Start a new instance that carries what completed in one that ended otherwise, and return its id.

        Raises:
            NotEnded: it has not ended, or has completed.
        """
        source = await self.get(instance)
        if not source.status.is_final or source.status is InstanceStatus.COMPLETE:
            raise NotEnded(f"instance `{source.name}` is {source.status}; only one that failed or was terminated is retried")
        runtime = self._room.runtime
        graph = await runtime.definitions.pinned(source.workflow)
        new = runtime.clock.new_id()
        history = await self._room.store.history(source.id)
        birth = Birth(
            id=new,
            name=name or f"{graph.workflow.id}-{new[:6]}",
            inputs=source.inputs,
            variables=source.variables,
            reference=source.reference,
            retry_of=source.id,
            pins=source.pins,
            carried=completed(graph, history),
        )
        return await runtime.start(graph, birth)

    # -- events ------------------------------------------------------------------------------------------------

    async def publish(self, event: str, key: str = "", payload: Json = None) -> int:
        """Publish an event; every wait for that name and key gets it, also one that begins later."""
        return await self._room.runtime.publish_event(event, key, payload)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Subscribe to what happens to the instances that this host drives.

            async with host.subscribe() as changes:
                async for instance, change in changes: ...
        """
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._subscriptions.append(queue)
        try:
            yield _drain(queue)
        finally:
            self._subscriptions.remove(queue)

    def _publish(self, instance: Instance, change: Lifecycle) -> None:
        for queue in self._subscriptions:
            queue.put_nowait((instance, change))

    # -- inside ------------------------------------------------------------------------------------------------

    async def _signal(self, instance: str, signal: Signal) -> None:
        await self._room.runtime.signal(await self._id(instance), signal)

    async def _id(self, id_or_name: str) -> str:
        found = await self._room.store.resolve(id_or_name)
        if found is None:
            raise NotFound(f"there is no instance `{id_or_name}`; `wfe list` shows those there are")
        return found


async def _drain(queue: "asyncio.Queue[Change]") -> AsyncIterator[Change]:
    while True:
        yield await queue.get()


__all__ = ["Data", "WorkflowHost"]
