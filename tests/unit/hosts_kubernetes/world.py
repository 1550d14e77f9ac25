"""A term of leading over a fake API server, with steps that end at once or as a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from wfe.hosts.kubernetes.building import Caches
from wfe.hosts.kubernetes.clocks import ServerClock
from wfe.hosts.kubernetes.copies.history import History
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.ground import Later, Wait
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.notices import Notices
from wfe.hosts.kubernetes.settings import Settings
from wfe.hosts.kubernetes.shards import Everything, Share
from wfe.hosts.kubernetes.term import Term, World
from wfe.kube import Client
from wfe.kube.resource import CONFIG_MAPS, CONTROLLER_REVISIONS, EVENTS, LEASES, PODS, VOLUME_CLAIMS, Resource
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask, Task
from wfe.ports.executor import Executor
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS, WORKFLOWS, EventObject
from wfe.testing.apiserver import ApiServer, Served, serving
from wfe.testing.fakes import FakeExecutor

NAMESPACE = "team"
EVERYTHING = Everything()
SERVED: list[Resource | Served] = [
    Served(
        INSTANCES, selectable=("status.active", "status.phase", "spec.workflowRef.name", "spec.parent.id")
    ),
    *(WORKFLOWS, WORKFLOW_EVENTS, CONTROLLER_REVISIONS, CONFIG_MAPS, PODS, VOLUME_CLAIMS, EVENTS, LEASES),
]


@dataclass
class Quick(FakeExecutor):
    """Steps complete at once, but for those whose name begins with `slow`."""

    async def run(self, task: Task, incarnation: str = "") -> TaskEnded:
        if isinstance(task, ProcessTask) and task.key.path.startswith("slow"):
            return await super().run(task, incarnation)
        outcome = TaskOutcome.FAILED if task.key.path.startswith("bad") else TaskOutcome.COMPLETE
        return TaskEnded(path=task.key.path, attempt=task.key.attempt, outcome=outcome)


@dataclass
class FakeFooting:
    """Notes what it is asked for; what ended is cleared once it may be."""

    quick: Quick = field(default_factory=Quick)
    cleared: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    orphans: list[Collection[str]] = field(default_factory=list)
    clearing: asyncio.Event = field(default_factory=asyncio.Event)
    may_clear: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_clear.set()

    @property
    def executor(self) -> Executor:
        return self.quick

    async def clear(self, place: Place, instance: Instance) -> None:
        self.clearing.set()
        await self.may_clear.wait()
        self.cleared.append(f"{place.namespace}/{instance.name}")

    async def forget(self, place: Place, instance: str) -> None:
        self.forgotten.append(instance)

    def saved(self, instance: Instance, change: Lifecycle, later: Later) -> None: ...

    def waits(self, place: Place, instance: Instance, wait: Wait, later: Later) -> None: ...

    def goes_on(self, instance: str) -> None: ...

    async def tend(self) -> None: ...

    async def release_orphans(self, known: Collection[str]) -> None:
        self.orphans.append(known)

    async def close(self) -> None: ...


@dataclass
class Cluster:
    """What a test sees: the objects, and the term that works on them."""

    server: ApiServer
    client: Client
    footing: FakeFooting
    metrics: Metrics
    settings: Settings
    term: Term | None = None
    copies: Searched | None = None
    history: History | None = None

    async def define(self, name: str, *steps: str, **spec: Any) -> None:
        """Create a Workflow of shell steps, or replace it."""
        written = [{"name": step, "config": {"run": "true"}} for step in steps]
        body = _object(WORKFLOWS.kind, name, {"steps": written, **spec})
        found = await self.find(WORKFLOWS, name)
        if found is None:
            await self.client.create(WORKFLOWS, body, NAMESPACE)
        else:
            await self.client.patch(WORKFLOWS, name, NAMESPACE, {"spec": {"steps": written, **spec}})

    async def start(self, name: str, of: str, **spec: Any) -> str:
        """Create a WorkflowInstance, and return its uid."""
        body = _object(INSTANCES.kind, name, {"workflowRef": {"name": of}, **spec})
        made = await self.client.create(INSTANCES, body, NAMESPACE)
        return str(made["metadata"]["uid"])

    async def change(self, name: str, **spec: Any) -> None:
        await self.client.patch(INSTANCES, name, NAMESPACE, {"spec": spec})

    async def find(self, resource: Any, name: str) -> dict[str, Any] | None:
        async for found in self.client.list(resource, NAMESPACE):
            if found["metadata"]["name"] == name:
                return found
        return None

    async def status(self, name: str) -> dict[str, Any]:
        found = await self.find(INSTANCES, name)
        status: dict[str, Any] = (found or {}).get("status", {})
        return status

    async def until(self, name: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until the status of an instance is so; the test's own limit ends what never is."""
        while not is_so(status := await self.status(name)):  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.01)
        return status

    async def settled(self, name: str) -> dict[str, Any]:
        return await self.until(name, lambda status: status.get("active") is False)

    async def reason(self, name: str, reason: str) -> dict[str, Any]:
        return await self.until(name, lambda status: status.get("reason") == reason)

    async def phase(self, name: str, phase: str) -> dict[str, Any]:
        return await self.until(name, lambda status: status.get("phase") == phase)

    async def events(self) -> list[tuple[str, str]]:
        """Return the reasons of the Kubernetes Events, with the names of their instances."""
        return [
            (one["involvedObject"]["name"], one["reason"])
            async for one in self.client.list(EVENTS, NAMESPACE)
        ]

    @asynccontextmanager
    async def leading(self, share: Share = EVERYTHING) -> AsyncIterator[Term]:
        """Work that share for as long as the block lasts."""
        caches = Caches.of(self.client, self.settings)
        notices = Notices(self.client, instance="test", now=self.client.now)
        clock = ServerClock(self.client.now)
        copies = (self.copies, self.history)
        world = World(self.settings, self.client, clock, caches, self.metrics, notices, share, *copies)
        term = self.term = Term(world, TreeHomes("runner"), self.footing)
        caches.instances.listen(lambda key, _before, after: term.instance_changed(key, after))
        caches.workflows.listen(lambda key, _before, _after: term.workflow_changed(key))
        caches.events.listen(lambda key, _before, after: _told(term, key[0], after))
        works = [*(cache.run() for cache in caches.by_name().values()), notices.run(), term.run()]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield term
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [one for one in results if isinstance(one, Exception)] == []


def _told(term: Term, namespace: str, event: EventObject | None) -> None:
    if event is not None:
        term.event_changed(namespace, event)


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": INSTANCES.api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


@asynccontextmanager
async def a_cluster(**settings: Any) -> AsyncIterator[Cluster]:
    """Give a cluster that nobody works in yet."""
    async with serving(SERVED) as (server, client):
        read = Settings.model_validate({"identity": "test", "namespace": "wfe", **settings})
        yield Cluster(server, client, FakeFooting(), Metrics(), read)


@asynccontextmanager
async def a_led_cluster(**settings: Any) -> AsyncIterator[Cluster]:
    """Give a cluster in which the operator works."""
    async with a_cluster(**settings) as cluster, cluster.leading():
        yield cluster
