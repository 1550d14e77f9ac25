"""A namespace of a fake API server, and what a host puts over it: a store, and a runtime whose steps end at once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wfe.definition import graph_from_source
from wfe.definition.read import read_workflow
from wfe.engine import Birth
from wfe.graph.graph import Graph
from wfe.kube import Client
from wfe.kube.resource import CONFIG_MAPS, CONTROLLER_REVISIONS, LEASES
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import Task
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS
from wfe.providers.customresource.provider import StandaloneStore
from wfe.providers.memory import LeaseTable, MemoryLeases
from wfe.runtime.clock import SystemClock
from wfe.runtime.definitions import Definitions
from wfe.runtime.nursery import Nursery
from wfe.runtime.runtime import Runtime
from wfe.runtime.tasks import Executors, TaskRunner
from wfe.testing.apiserver import ApiServer, Served
from wfe.testing.apiserver.faults import Kind
from wfe.testing.fakes import FakeExecutor

NAMESPACE = "here"
SERVED = (
    Served(INSTANCES, ("status.active", "status.phase", "spec.workflowRef.name", "spec.parent.id")),
    WORKFLOW_EVENTS,
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    LEASES,
)


@dataclass
class Place:
    """The server, and its state as people see it."""

    server: ApiServer
    client: Client

    @asynccontextmanager
    async def open_store(self) -> AsyncIterator[StandaloneStore]:
        """Open another store on the namespace, with a client of its own."""
        store = StandaloneStore(Client(self.client.access), NAMESPACE)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    async def object(self, name: str) -> dict[str, Any]:
        return await self.client.get(INSTANCES, name, NAMESPACE)

    async def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.object(name)).get("status", {})
        return found

    async def chunks(self, role: str = "chunk") -> list[str]:
        selector = f"wfe.sunbeam.pt/role={role}"
        every = self.client.list(CONFIG_MAPS, NAMESPACE, labels=selector)
        return sorted([one["metadata"]["name"] async for one in every])

    def writes(self) -> Counter[str]:
        """Return how often each kind was written, by verb and resource."""
        return Counter(f"{seen.verb} {seen.resource}" for seen in self.server.seen if seen.verb not in READS)


READS = {"get", "list", "watch"}
PATCH: Kind = {"verb": "patch", "resource": "workflowinstances", "subresource": "status"}


@asynccontextmanager
async def a_place() -> AsyncIterator[Place]:
    server = ApiServer(SERVED)
    client = Client(await server.start())
    await client.open()
    try:
        yield Place(server, client)
    finally:
        await client.close()
        await server.stop()


def status_size(status: dict[str, Any]) -> int:
    return len(json.dumps(status, separators=(",", ":"), ensure_ascii=False).encode())


class Obliging(FakeExecutor):
    """Every attempt completes at once, with outputs that a test chooses."""

    def __init__(self, **outputs: Json) -> None:
        super().__init__()
        self.outputs = outputs

    async def run(self, task: Task, incarnation: str = "") -> TaskEnded:
        del incarnation
        self.starts[task.key.path] += 1
        await asyncio.sleep(0)
        return TaskEnded(
            path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.COMPLETE, outputs=self.outputs
        )


@dataclass
class Host:
    """A runtime over a store, with an executor that obeys."""

    store: StandaloneStore
    executor: FakeExecutor

    def __post_init__(self) -> None:
        self.nursery = Nursery()
        clock = SystemClock()
        self.definitions = Definitions(self.store, graph_from_source)
        self.runtime = Runtime(
            self.store,
            MemoryLeases(LeaseTable(), "host", now=clock.now),
            clock,
            self.definitions,
            TaskRunner(Executors(self.executor, self.executor), self.nursery, 32),
            self.nursery,
        )

    async def run(self, workflow: dict[str, Any], inputs: dict[str, Json], name: str = "i") -> Instance:
        """Run a workflow to its end."""
        graph = a_graph(workflow)
        self.definitions.register(graph)
        await self.runtime.start(graph, Birth(id=name, name=name, inputs=inputs))
        return await self.runtime.wait(name)

    async def close(self) -> None:
        await self.runtime.close()


def a_graph(workflow: dict[str, Any]) -> Graph:
    read = read_workflow({"id": "w", **workflow})
    assert read.graph is not None, read.findings
    return read.graph
