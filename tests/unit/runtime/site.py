"""A runtime over fakes, in virtual time, and a store that a test can make misbehave."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from wfe.engine import Birth
from wfe.errors import StoreUnavailable
from wfe.graph.graph import Graph
from wfe.model.commands import StartTask
from wfe.model.decision import Decision
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import Signal
from wfe.model.task import ProcessTask, Task
from wfe.providers.memory import LeaseTable, MemoryLeases, MemoryStore
from wfe.runtime.definitions import Definitions
from wfe.runtime.nursery import Nursery
from wfe.runtime.runtime import Runtime
from wfe.runtime.tasks import Executors, TaskRunner
from wfe.testing.fakes import FakeClock, FakeExecutor
from wfe.testing.simulation.loop import run_virtually


def virtually(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in virtual time."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        run_virtually(test(*arguments, **named))

    return run


def a_plan(graph: Graph, instance: Instance, command: StartTask) -> Task:
    return ProcessTask(key=AttemptKey(instance.id, command.path, command.attempt), argv=("true",))


class FickleStore(MemoryStore):
    """A store whose next saves fail: before they happen, or after."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.saves: list[Decision] = []
        self.inbox_is_away = False

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        self.saves.append(decision)
        if self.before:
            raise self.before.pop(0)
        await super().save(decision, consumed=consumed)
        if self.after:
            raise self.after.pop(0)

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        if self.inbox_is_away:
            raise StoreUnavailable("away")
        return await super().inbox(instance)


@dataclass
class Site:
    """One host."""

    store: FickleStore = field(default_factory=FickleStore)
    executor: FakeExecutor = field(default_factory=FakeExecutor)
    clock: FakeClock = field(default_factory=FakeClock)
    table: LeaseTable = field(default_factory=LeaseTable)
    limit: int = 8
    name: str = "host"

    def __post_init__(self) -> None:
        self.nursery = Nursery()
        self.tasks = TaskRunner(Executors(self.executor, self.executor), self.nursery, self.limit, a_plan)
        self.leases = MemoryLeases(self.table, self.name, now=self.clock.now)
        self.definitions = Definitions(self.store, self._compile)
        self.runtime = Runtime(
            self.store, self.leases, self.clock, self.definitions, self.tasks, self.nursery
        )
        self.graphs: dict[str, Graph] = {}

    def _compile(self, source: str) -> Graph:
        return self.graphs[source]

    def knows(self, *graphs: Graph) -> "Site":
        for graph in graphs:
            self.graphs[graph.source] = graph
            self.definitions.register(graph)
        return self

    def another(self, **changes: Any) -> "Site":
        """Return another host on the same store, executor and leases."""
        same = {"store": self.store, "executor": self.executor, "clock": self.clock, "table": self.table}
        return Site(**{**same, "name": "another", **changes}).knows(*self.graphs.values())

    async def start(self, graph: Graph, instance: str = "i", **birth: Any) -> str:
        self.knows(graph)
        return await self.runtime.start(graph, Birth(id=instance, name=instance, **birth))

    async def status(self, instance: str = "i") -> str:
        stored = await self.store.load(instance)
        assert stored is not None
        return stored.status.value

    async def ends(self, path: str, attempt: int = 1, instance: str = "i", **outputs: Any) -> None:
        """Let an attempt complete, and everything follow that needs no time."""
        self.executor.ends(instance, path, attempt, **outputs)
        await settled()


async def settled() -> None:
    """Let everything happen that needs no time."""
    await asyncio.sleep(0.001)
