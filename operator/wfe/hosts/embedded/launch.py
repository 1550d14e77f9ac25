"""Starting and recovering instances. One with services is kept first, and driven when they are ready.

Kept first, so that a process that is killed in between leaves something that `resume` finds, with the containers.
While the services start, nobody drives the instance: a cancellation ends the wait, everything else stays in the
inbox for the driver.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from wfe.engine import Birth, Circumstances, advance, begin
from wfe.errors import NotFound
from wfe.graph.graph import Graph
from wfe.hosts.embedded.containers import Containers, NoContainers, container_program
from wfe.hosts.embedded.services import Services, Written, written_services
from wfe.model.failure import Failure
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.record import InstanceChanged, Lifecycle
from wfe.model.signals import CancelRequested, FailRequested, Signal
from wfe.runtime.patience import persistently
from wfe.runtime.runtime import HeldElsewhere, Runtime
from wfe.runtime.trees import Trees

LOOK_SECONDS: Final = 0.1
Mail = Sequence[tuple[int, Signal]]


@dataclass(slots=True)
class Launch:
    """Starts and recovers the instances of a host; `secrets` are for the variables of services."""

    runtime: Runtime
    secrets: Mapping[str, str]
    _written: dict[str, Written] = field(default_factory=dict)
    _launching: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _removing: set[asyncio.Task[None]] = field(default_factory=set)
    _services: Services | None = None

    def open(self) -> None:
        """Begin to watch for the ends of instances."""
        self.runtime.listeners.append(self._heard)

    async def start(self, graph: Graph, birth: Birth) -> str:
        """Create an instance, and drive it as soon as its services are ready.

        Raises:
            NoContainers: it has services, and nothing here runs containers.
        """
        runtime = self.runtime
        pins = birth.pins or await persistently(runtime.clock, lambda: runtime.definitions.closure(graph))
        birth = replace(birth, pins=pins)
        written = written_services([graph, *await self._pinned(pins)])
        if not written:
            return await runtime.start(graph, birth)
        await self._found()
        await runtime.definitions.keep(graph)
        decision = begin(graph, birth, world=self._world())
        await persistently(runtime.clock, lambda: runtime.store.create(decision))
        await Trees(runtime.leases, runtime.ttl).hold(decision.instance)
        self._begin(birth.id, written, decision.lifecycle)
        return birth.id

    async def recover(self, root: str) -> None:
        """Go on with an instance, as `Runtime.recover` does, when its services are ready again."""
        instance = await self.runtime.store.load(root)
        written = await self._written_by(instance) if instance else {}
        if instance is None or not written or self.runtime.is_driving(root) or root in self._launching:
            await self.runtime.recover(root)
        elif instance.status.is_final:
            await self.remove(root, written)
            await self.runtime.recover(root)
        else:
            await Trees(self.runtime.leases, self.runtime.ttl).hold(instance)
            if not _is_cancelled(await self.runtime.store.inbox(root)):
                await self._found()
            self._begin(root, written)

    def is_launching(self, root: str) -> bool:
        """Say whether the services of an instance are being started here."""
        return root in self._launching

    async def remove(self, root: str, written: Written | None = None) -> None:
        """Remove the containers of an instance's services; harmless if it has none."""
        if written is None:
            instance = await self.runtime.store.load(root)
            written = await self._written_by(instance) if instance else {}
        if written:
            with suppress(NoContainers):
                await (await self._found()).remove(root, written)

    async def close(self) -> None:
        """Leave what is being started to the next host, and wait until what has ended is removed."""
        launching = dict(self._launching)
        for task in launching.values():
            task.cancel()
        await asyncio.gather(*launching.values(), *self._removing, return_exceptions=True)
        for root in launching:
            await Trees(self.runtime.leases, self.runtime.ttl).release(root)

    # -- the time until services are ready -----------------------------------------------------------------------

    def _begin(self, root: str, written: Written, told: Sequence[Lifecycle] = ()) -> None:
        self._written[root] = written
        task = self.runtime.nursery.start(self._launch(root, written, told), name="start services")
        self._launching[root] = task

    async def _launch(self, root: str, written: Written, told: Sequence[Lifecycle]) -> None:
        try:
            failure = await self._ready_or_cancelled(root, written)
            instance = await self._settled(root, failure)
        finally:
            del self._launching[root]
        self._tell(instance, told)
        with suppress(HeldElsewhere):
            await self.runtime.recover(root)

    async def _ready_or_cancelled(self, root: str, written: Written) -> Failure | None:
        instance = await persistently(self.runtime.clock, lambda: self.runtime.store.load(root))
        if instance is None:
            raise NotFound(f"there is no instance `{root}`; somebody deleted it")
        cancelled = asyncio.create_task(self._cancelled(root))
        ready = asyncio.create_task(self._ready(instance, written))
        try:
            await asyncio.wait({cancelled, ready}, return_when=asyncio.FIRST_COMPLETED)
            return ready.result() if ready.done() else None
        finally:
            for task in (cancelled, ready):
                task.cancel()
            await asyncio.gather(cancelled, ready, return_exceptions=True)

    async def _ready(self, instance: Instance, written: Written) -> Failure | None:
        if _is_cancelled(await self.runtime.store.inbox(instance.id)):
            return None
        return await (await self._found()).ready(instance, written)

    async def _cancelled(self, root: str) -> None:
        clock, store = self.runtime.clock, self.runtime.store
        while not _is_cancelled(await persistently(clock, lambda: store.inbox(root))):  # noqa: ASYNC110 - perhaps by another process
            await asyncio.sleep(LOOK_SECONDS)

    async def _settled(self, root: str, failure: Failure | None) -> Instance:
        """Save what a cancellation or a failure means before anybody drives the instance and starts its steps."""
        store = self.runtime.store
        instance = await persistently(self.runtime.clock, lambda: store.load(root))
        if instance is None:
            raise NotFound(f"there is no instance `{root}`; somebody deleted it")
        mail = await store.inbox(root)
        if instance.status.is_final or (failure is None and not _is_cancelled(mail)):
            return instance
        graph = await self.runtime.definitions.pinned(instance.workflow)
        signals = [signal for _, signal in mail]
        if failure is not None:
            signals.append(FailRequested(failure=failure))
        decision = advance(graph, instance, signals, world=self._world())
        await store.save(decision, consumed=[sequence for sequence, _ in mail])
        self._tell(decision.instance, decision.lifecycle)
        return decision.instance

    # -- ends ----------------------------------------------------------------------------------------------------

    def _heard(self, instance: Instance, change: Lifecycle) -> None:
        if isinstance(change, InstanceChanged) and change.status.is_final and instance.id in self._written:
            task = asyncio.create_task(self.remove(instance.id, self._written.pop(instance.id)))
            self._removing.add(task)
            task.add_done_callback(self._removing.discard)

    def _tell(self, instance: Instance, changes: Sequence[Lifecycle]) -> None:
        for change in changes:
            for listener in self.runtime.listeners:
                listener(instance, change)

    # -- what there is -------------------------------------------------------------------------------------------

    async def _written_by(self, instance: Instance) -> Written:
        graph = await self.runtime.definitions.pinned(instance.workflow)
        return written_services([graph, *await self._pinned(instance.pins)])

    async def _pinned(self, pins: Mapping[str, str]) -> list[Graph]:
        find = self.runtime.definitions.pinned
        return [await find(WorkflowRef(name.partition("@")[0], 0, digest)) for name, digest in pins.items()]

    async def _found(self) -> Services:
        if self._services is None:
            program = await asyncio.to_thread(container_program)
            self._services = Services(Containers(program), self.secrets)
        return self._services

    def _world(self) -> Circumstances:
        clock = self.runtime.clock
        return Circumstances(
            now=clock.now(), jitter=clock.jitter(), incarnation=self.runtime.tasks.place(None)
        )


def _is_cancelled(mail: Mail) -> bool:
    return any(isinstance(signal, CancelRequested) for _, signal in mail)
