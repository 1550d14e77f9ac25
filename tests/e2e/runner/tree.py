"""An instance tree of a namespace, without an engine: an owner, its needs, and executors as controllers have them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from wfe.executors.runner import RunnerExecutor, RunnerPod, RunnerSettings
from wfe.kube import Client, Informer, find_access
from wfe.kube.resource import PODS
from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, StepContainer
from wfe.pods.settings import Amounts, PodSettings
from wfe.providers.customresource.names import INSTANCES
from wfe.testing.builders import an_instance
from wfe.testing.executor_contract import Recorder

DEBIAN, BUSYBOX = "localhost/debian:testbed", "localhost/busybox:testbed"
MEBI = 1024**2
NO_TIME = timedelta()
_numbers = count()


def needs(*images: str, **of_each: Any) -> Needs:
    """Return the needs of steps of these images, the default one first."""
    containers = tuple(
        StepContainer(
            image=image,
            name="main" if index == 0 else f"other{index}",
            memory_unsaid=True,
            cpu_unsaid=True,
            **of_each,
        )
        for index, image in enumerate(images or (DEBIAN,))
    )
    return Needs(default_image=containers[0].image, containers=containers)


def a_step(script: str, image: str | None = None, **changes: Any) -> ProcessTask:
    """Return a task of a script."""
    number = next(_numbers)
    return ProcessTask(
        key=AttemptKey("root", f"s{number}", 1),
        argv=("sh", "{dir}/script"),
        files={"script": script.encode(), "data.json": b"{}"},
        image=image,
        timeout=timedelta(minutes=5),
        **changes,
    )


@dataclass
class Tree:
    """One tree; its root's id is "root", and its owner is an instance that nobody drives."""

    namespace: str
    client: Client
    owner: Owner
    needs: Needs
    settings: RunnerSettings
    sink: Recorder = field(default_factory=Recorder)
    epochs: int = 0
    _pods: list["asyncio.Task[None]"] = field(default_factory=list)

    async def home(self, instance: str) -> Home:
        assert instance == "root"
        return Home("root", self.namespace, self.owner, "pipeline", self.needs)

    async def epoch(self, root: str) -> int:
        assert root == "root"
        self.epochs += 1
        return self.epochs

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[RunnerExecutor]:
        """An executor as of a controller of its own."""
        pods = Informer(
            self.client, PODS, RunnerPod, namespaces=[self.namespace], labels=f"{labels.ROLE}=runner"
        )
        watching = asyncio.create_task(pods.run())
        executor = RunnerExecutor(self.client, pods, self, self.settings, sink=self.sink, now=self.client.now)
        await pods.synced.wait()
        try:
            yield executor
        finally:
            await executor.close(NO_TIME)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def place(self, executor: RunnerExecutor, task: ProcessTask) -> str:
        """Have a task admitted."""
        return await executor.admit(task, an_instance("root")())

    async def run(self, executor: RunnerExecutor, task: ProcessTask) -> TaskEnded:
        """Have a task admitted, and run it."""
        return await executor.run(task, await self.place(executor, task))

    async def pod(self) -> dict[str, Any]:
        """Return the pod as it is."""
        return dict(await self.client.get(PODS, labels.runner_name("root"), self.namespace))

    async def sh(self, script: str, container: str = "main") -> bytes:
        """Run a script in a container, beside the supervisor."""
        pod = labels.runner_name("root")
        stream = await self.client.exec(pod, self.namespace, container, ["/bin/sh", "-c", script])
        pieces = []
        while piece := await stream.read():
            pieces.append(piece)
        await stream.close()
        return b"".join(pieces)

    async def log(self, container: str = "main") -> bytes:
        """Return what PID 1 of a container has printed."""
        pod = labels.runner_name("root")
        return b"".join([piece async for piece in self.client.log(pod, self.namespace, container)])


@asynccontextmanager
async def a_tree(namespace: str, its: Needs | None = None, **settings: Any) -> AsyncIterator[Tree]:
    """Make an owner for a tree."""
    client = Client(find_access())
    await client.open()
    try:
        body = {
            "apiVersion": INSTANCES.api_version,
            "kind": INSTANCES.kind,
            "metadata": {"name": "owner"},
            "spec": {"workflowRef": {"name": "nobody-drives-it"}, "desiredState": "Suspended"},
        }
        made = await client.create(INSTANCES, body, namespace)
        owner = Owner(INSTANCES.api_version, INSTANCES.kind, "owner", made["metadata"]["uid"])
        small = Amounts(memory=256 * MEBI, cpu=2000)
        pods = PodSettings(default=small, pull_policy="IfNotPresent")
        yield Tree(namespace, client, owner, its or needs(), RunnerSettings(pods=pods, **settings))
    finally:
        await client.close()
