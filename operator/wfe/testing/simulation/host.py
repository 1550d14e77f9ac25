"""A host: the real runtime over simulated ports. It can be killed at any await."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from wfe.errors import Retryable
from wfe.graph.graph import Graph
from wfe.model.commands import StartTask
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask, Task
from wfe.runtime.definitions import Definitions
from wfe.runtime.nursery import Nursery
from wfe.runtime.runtime import HeldElsewhere, Runtime
from wfe.runtime.tasks import Executors, TaskRunner
from wfe.testing.simulation.ports import (
    Gate,
    SimulatedClock,
    SimulatedExecutor,
    SimulatedLeases,
    SimulatedStore,
)
from wfe.testing.simulation.world import World

ADOPT_EVERY: Final = 6.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a host is made of; a mutant is a host with one part broken."""

    runtime: Callable[..., Runtime] = Runtime
    tasks: Callable[..., TaskRunner] = TaskRunner
    clock: Callable[[World], SimulatedClock] = SimulatedClock


class Host:
    """One process that drives instances."""

    def __init__(self, world: World, name: str, parts: Parts) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.gone = asyncio.Event()
        gate = Gate(self, world)
        store: Any = SimulatedStore(gate)
        executor = SimulatedExecutor(gate)
        self.nursery = Nursery()
        tasks = parts.tasks(Executors(executor, executor), self.nursery, world.scenario.limit, a_plan)
        definitions = Definitions(store, self._compile)
        for graph in (world.scenario.graph, *world.scenario.children):
            definitions.register(graph)
        self.runtime = parts.runtime(
            store, SimulatedLeases(gate, name), parts.clock(world), definitions, tasks, self.nursery
        )

        if world.scenario.parks:
            self.runtime.park_after = timedelta(seconds=2)

    def _compile(self, source: str) -> Graph:
        graphs = (self.world.scenario.graph, *self.world.scenario.children)
        return next(graph for graph in graphs if graph.source == source)

    async def live(self) -> None:
        """Begin, and go on with what other hosts have left, until this one is cancelled."""
        self.runtime.open()
        while True:
            try:
                await self._adopt()
            except Retryable:
                self.world.note(f"{self.name} cannot look for what others left")
            await asyncio.sleep(ADOPT_EVERY)

    async def _adopt(self) -> None:
        for instance_id in await self.runtime.store.unfinished():
            instance = await self.runtime.store.load(instance_id)
            if instance is not None and instance.parent is None:
                with suppress(HeldElsewhere):
                    await self.runtime.recover(instance_id)

    def crash(self) -> None:
        """Be killed: nothing of this host happens any more."""
        self.dead = True
        self.gone.set()

    async def bury(self) -> None:
        """End the tasks of a crashed host; their last words reach nobody."""
        await self.nursery.close()


def a_plan(graph: Graph, instance: Instance, command: StartTask) -> Task:
    """Plan a task that is its key: the scenario says what it does."""
    del graph
    return ProcessTask(key=AttemptKey(instance.id, command.path, command.attempt), argv=("simulated",))
