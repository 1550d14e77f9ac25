"""`WorkflowHost`: run workflows inside a Python program.

    async with WorkflowHost("sqlite:state.db") as host:
        host.register(workflow)
        run = await host.run("deploy", {"image": "app:1"})
        print(run.status, run.outputs)

Processes that steps start outlive the host and are found again by the next one on the same store and state
directory. Steps in Python run in this process: at least once after a crash.
"""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from wfe.errors import NotFound
from wfe.graph.graph import Graph
from wfe.graph.workflow import Workflow
from wfe.hosts.embedded.activities import Activities
from wfe.hosts.embedded.births import Births
from wfe.hosts.embedded.containers import NoContainers
from wfe.hosts.embedded.control import Control
from wfe.hosts.embedded.finding import Finding
from wfe.hosts.embedded.launch import Launch
from wfe.hosts.embedded.logs import FamilyLogs, LogLine
from wfe.hosts.embedded.news import News
from wfe.hosts.embedded.traces import traces_for
from wfe.hosts.embedded.view import StepView, all_steps, describe
from wfe.hosts.wiring.engine_room import EngineRoom, Settings, build, state_of
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.record import StepRecord
from wfe.ports.store import Query, Summary
from wfe.providers import UrlInvalid
from wfe.runtime.runtime import HeldElsewhere
from wfe.runtime.worker import PARK_AFTER, Worker

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger("wfe")


class WorkflowHost(Births, Control, Finding, News):
    """Runs workflows in this process.

    Args:
        store: where instances live: `memory:`, `sqlite:PATH`, `postgres://…`.
        queue: from where `work` takes instances, if not from the store: `redis://…`.
        locks: where hosts say who works on what, if not in the store: `redis://…`.
        search: where instances are copied to for `search`: `https://…` (OpenSearch), `sqlite:PATH`; nowhere by default.
        logs: where what steps write is copied to for `search_logs` and for other machines: `https://…`,
            `files:DIRECTORY`, `sqlite:PATH`; nowhere by default.
        workspace: the directory that steps work in; the current one by default.
        state: the directory for steps' files and logs; it belongs to the store and is beside it by default.
        max_tasks: how many tasks run at once; max(8, 4 × cores) by default.
        env: names of this process's environment variables that steps may see.
        recover: go on with every unfinished instance of the store when the host starts. One whose workflow this
            host does not have is parked (`parked` says why) until the workflow is registered.
        tracer_provider: takes a span of every instance, step and attempt (`hosts.embedded.tracing`, extra
            `otel`); by default one that exports, if OTEL_EXPORTER_OTLP_ENDPOINT is set.
        settings: all of these at once, for hosts that need more.
    """

    def __init__(  # noqa: PLR0913  # most have defaults
        self,
        store: str = "memory:",
        *,
        queue: str | None = None,
        locks: str | None = None,
        search: str | None = None,
        logs: str | None = None,
        workspace: str | Path = ".",
        state: str | Path | None = None,
        max_tasks: int | None = None,
        env: Sequence[str] = (),
        recover: bool = True,
        tracer_provider: "TracerProvider | None" = None,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings or Settings(
            store=store,
            queue=queue,
            locks=locks,
            search=search,
            logs=logs,
            state=Path(state) if state is not None else state_of(store),
            workspace=Path(workspace),
            max_tasks=max_tasks,
            inherit=tuple(env),
        )
        self._recover_all = recover
        self._room: EngineRoom = build(self._settings)
        self.activities = Activities(self._room.runtime)
        self.parked: dict[str, str] = {}
        self._launch = Launch(self._room.runtime, self._settings.secrets)
        self._traces = traces_for(tracer_provider, self._room)

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
        self._launch.open()
        if self._recover_all:
            for instance in await self._room.store.unfinished():
                await self._recover_root(instance)

    async def _recover_root(self, instance: str) -> None:
        loaded = await self._room.store.load(instance)
        if loaded is None or loaded.parent is not None:
            return
        try:
            await self._launch.recover(instance)
        except HeldElsewhere:
            return  # in good hands
        except (NotFound, NoContainers) as error:
            self.parked[instance] = str(error)
            log.warning("instance `%s` is parked: %s", loaded.name, error)

    async def stop(self, grace: timedelta = timedelta(seconds=10)) -> None:
        """Stop the host: wait at most `grace` for Python steps. Processes go on and are found again."""
        if self._traces is not None:
            await self._traces.finish()
        await self._launch.close()
        await self._room.close(grace)

    # -- workflows ---------------------------------------------------------------------------------------------

    def register(self, *workflows: Workflow) -> None:
        """Make workflows known. The same id and version with other content serves new instances only."""
        for workflow in workflows:
            self._room.runtime.definitions.register(workflow.graph)
            self._room.callables.update(workflow.callables)
        waiting, self.parked = self.parked, {}
        for instance in waiting:
            self._room.runtime.nursery.start(self._recover_root(instance), name="recover a parked instance")

    async def is_changed(self, workflow: Workflow) -> bool:
        """Say whether the store knows the same id and version with other content; its instances keep that."""
        ref = workflow.graph.workflow
        stored = await self._room.store.latest_definition(ref.id, ref.version)
        return stored is not None and stored.workflow.digest != ref.digest

    # -- instances ---------------------------------------------------------------------------------------------

    async def run(
        self, workflow: str | Workflow, inputs: Mapping[str, Any] | None = None, **more: Any
    ) -> Instance:
        """Start an instance and return it when it has ended; arguments as for `start`."""
        return await self.wait(await self.start(workflow, inputs, **more))

    async def wait(self, instance: str) -> Instance:
        """Return an instance, by id or name, when it has ended, whichever process works on it.

        Raises:
            NotFound: there is none.
        """
        return await self._room.runtime.wait(await self._id(instance))

    async def describe(self, instance: str) -> dict[str, Any]:
        """Return an instance with its steps as plain JSON data; `wfe run --output json` prints it."""
        return await describe(self._room.store, self._room.runtime.definitions, await self.get(instance))

    async def steps(self, instance: str) -> Sequence[StepView]:
        """Return all visits of steps in start order, those of children too, then steps that were never reached."""
        value = await self.get(instance)
        return await all_steps(self._room.store, self._room.runtime.definitions, value)

    async def logs(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncGenerator[LogLine, None]:
        """Yield what the steps of an instance and of its children wrote, in time order.

        Args:
            instance: its id or name.
            step: only this one, by its path or name, and what belongs to it.
            follow: go on until the instance has ended.
        """
        value = await self.get(instance)
        family = FamilyLogs(self._room.store, self._room.logs)
        async for line in family.followed(value, step) if follow else family.kept(value, step):
            yield line

    async def workflow_of(self, instance: Instance) -> Graph:
        """Return the workflow that an instance is pinned to."""
        return await self._room.runtime.definitions.pinned(instance.workflow)

    async def list(self, query: Query | None = None) -> Sequence[Summary]:
        """Return instances, newest first."""
        return await self._room.store.list(query or Query())

    async def history(self, instance: str) -> Sequence[StepRecord]:
        """Return the ended visits of steps, in start order."""
        return await self._room.store.history(await self._id(instance))

    # -- with others ---------------------------------------------------------------------------------------------

    async def work(self, *, capacity: int = 100) -> None:
        """Work on the instances of the store, together with other hosts on it, until cancelled.

        What is unfinished then goes to them; processes that run go on, and are heard of by the next host in this
        place. A host that works needs no `recover`.

        Args:
            capacity: how many are driven at once; those that only wait for a time or an event do not count.

        Raises:
            UrlInvalid: there is no queue.
            Permanent: the store, the queue or the leases cannot be used any more.
        """
        runtime, queue = self._room.runtime, self._room.queue
        if queue is None:
            raise UrlInvalid(
                f"`{self._settings.store.partition(':')[0]}:` has no queue to work from; give one: `redis://…`"
            )
        runtime.park_after = PARK_AFTER
        worker = Worker(
            runtime=runtime,
            queue=queue,
            leftovers=self._room.leftovers,
            recover=self._launch.recover,
            is_here=lambda root: runtime.is_driving(root) or self._launch.is_launching(root),
            capacity=capacity,
        )
        await worker.run()

    # -- events ------------------------------------------------------------------------------------------------

    async def publish(self, event: str, key: str = "", payload: Json = None) -> int:
        """Publish an event; every wait for that name and key gets it, also one that begins later."""
        return await self._room.runtime.publish_event(event, key, payload)
