"""A cluster for tests of isolated pods: a fake API server, and a kubelet that does what a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.pods.homes import KEY, SETTINGS, UID, a_home, a_task, a_workflow
from wfe.definition import WorkflowModel
from wfe.executors.pod import PodExecutor
from wfe.kube import Client
from wfe.kube.resource import CONFIG_MAPS, EVENTS, PODS, VOLUME_CLAIMS
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.home import Home
from wfe.pods.settings import PodSettings
from wfe.testing.apiserver import ApiServer, Served, serving
from wfe.testing.builders import an_instance
from wfe.testing.executor_contract import Recorder

NAME = labels.attempt_name(KEY)
STARTED = datetime(2030, 1, 1, 12, tzinfo=UTC)
INSTANCE = an_instance(UID)()
SERVED_EVENTS = Served(EVENTS, selectable=("involvedObject.uid", "type"))
# A patience that no test waits for, and no test runs into.
PATIENT = replace(SETTINGS, start_within=timedelta(days=3650), trouble_within=timedelta(days=3650))
IMPATIENT = replace(SETTINGS, start_within=timedelta(), trouble_within=timedelta())


def stamp(when: datetime) -> str:
    """Write a time as Kubernetes does."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def attached(executor: PodExecutor) -> AsyncIterator[PodExecutor]:
    """Let an executor work as in one life of an engine, and detach it in the end."""
    watching = asyncio.create_task(executor.watch())
    await executor.synced.wait()
    try:
        yield executor
    finally:
        await executor.close(timedelta())
        watching.cancel()
        await asyncio.wait([watching])


@dataclass
class Cluster:
    """What a test looks into, and acts upon."""

    server: ApiServer
    client: Client
    sink: Recorder = field(default_factory=Recorder)
    model: WorkflowModel = field(default_factory=a_workflow)

    @asynccontextmanager
    async def executor(self, settings: PodSettings = PATIENT) -> AsyncIterator[PodExecutor]:
        """Give an executor, as in one life of an engine, that is detached in the end."""

        async def home(_: str) -> Home:
            return a_home(self.model)

        async with attached(PodExecutor(self.client, home, settings, self.sink)) as executor:
            yield executor

    @property
    def pod(self) -> dict[str, Any]:
        """The pod of the attempt."""
        return self.server.objects.get(PODS, NAME, "default")

    @property
    def pods(self) -> list[str]:
        """The names of all pods."""
        return [item["metadata"]["name"] for item in self.server.objects.all(PODS)]

    @property
    def files(self) -> list[dict[str, Any]]:
        """All ConfigMaps."""
        return self.server.objects.all(CONFIG_MAPS)

    def status(self, **status: Any) -> None:
        """Report a status of the pod, as a kubelet."""
        self.server.objects.patch(PODS, NAME, "default", {"status": status}, subresource="status")

    def container(self, phase: str, **state: Any) -> None:
        """Report the state of its container."""
        self.status(phase=phase, containerStatuses=[{"name": "step", "state": state}])

    def schedules(self) -> None:
        """Give the pod to a node."""
        assert "schedulingGates" not in self.pod["spec"]
        self.server.objects.patch(PODS, NAME, "default", {"spec": {"nodeName": "node1"}})

    def starts(self, at: datetime = STARTED) -> None:
        """Start the container."""
        self.schedules()
        self.container("Running", running={"startedAt": stamp(at)})

    def prints(self, log: bytes) -> None:
        """Have this as the log; lines get a time."""
        stamped = b"".join(
            b"2030-01-01T12:00:01.123456789Z " + line for line in log.splitlines(keepends=True)
        )
        self.server.containers.prints(NAME, "step", stamped)

    def ends(self, code: int = 0, message: str = "", reason: str = "", *, at: datetime | None = None) -> None:
        """End the container."""
        terminated = {
            "exitCode": code,
            "reason": reason or ("Error" if code else "Completed"),
            "message": message,
            "startedAt": stamp(STARTED),
            "finishedAt": stamp(at or STARTED + timedelta(seconds=5)),
        }
        self.container("Failed" if code else "Succeeded", terminated=terminated)


@asynccontextmanager
async def a_cluster(**fields: Any) -> AsyncIterator[Cluster]:
    """Give a cluster with a workflow of these fields."""
    async with serving([PODS, CONFIG_MAPS, VOLUME_CLAIMS, SERVED_EVENTS]) as (server, client):
        store = server.objects._store
        # A status write shares its metadata with the object before, whose version would change in its history too.
        vars(server.objects)["_store"] = lambda key, item: store(
            key, {**item, "metadata": dict(item["metadata"])}
        )
        cluster = Cluster(server, client, model=a_workflow(**fields))
        cluster.server.containers.prints(None, "step", b"")
        yield cluster


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so; the test's own timeout ends a wait in vain."""
    while not is_so():  # noqa: ASYNC110  # the fake server raises no events here
        await asyncio.sleep(0.005)


def is_free(cluster: Cluster) -> bool:
    """Tell whether the pod has been let run."""
    return NAME in cluster.pods and "schedulingGates" not in cluster.pod["spec"]


async def admitted(
    executor: PodExecutor, task: ProcessTask | None = None, instance: Instance = INSTANCE
) -> str:
    """Have the attempt admitted."""
    return await executor.admit(task or a_task(), instance)


__all__ = [
    "IMPATIENT",
    "INSTANCE",
    "KEY",
    "NAME",
    "PATIENT",
    "STARTED",
    "AttemptKey",
    "Cluster",
    "a_cluster",
    "a_task",
    "admitted",
    "is_free",
    "until",
]
