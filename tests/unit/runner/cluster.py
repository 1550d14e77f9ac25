"""A cluster for tests: a fake API server, and a fake kubelet whose containers are directories and real shells.

It has a thread of its own, so that it outlives the event loops of those who use it.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar

from wfe.errors import Conflict
from wfe.executors.runner import RunnerExecutor, RunnerPod, RunnerSettings
from wfe.executors.runner.files import Paths
from wfe.kube import Client, Informer
from wfe.kube.resource import CONFIG_MAPS, EVENTS, NODES, PODS, VOLUME_CLAIMS
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, StepContainer, Workspace, WorkspaceKind
from wfe.pods.settings import PodSettings
from wfe.runtime.clock import SystemClock
from wfe.supervisor.protocol import BLOCK
from wfe.testing.apiserver import ApiServer, Refused, Served, Session
from wfe.testing.builders import an_instance

T = TypeVar("T")
NAMESPACE = "default"
NODE = "node1"
OWNER = Owner("wfe.sunbeam.pt/v1alpha1", "WorkflowInstance", "i", "owner-uid")
ROOT = "instance"


def needs(*images: str, kind: WorkspaceKind = WorkspaceKind.POD, **changes: Any) -> Needs:
    """Return the needs of steps of these images, the default one first."""
    containers = tuple(
        StepContainer(
            image=image, name="main" if image == "default" else image, memory_unsaid=True, cpu_unsaid=True
        )
        for image in ("default", *images)
    )
    return Needs(default_image="default", containers=containers, workspace=Workspace(kind=kind), **changes)


class Cluster:
    """One node."""

    def __init__(self, root: Path, shell: tuple[str, ...] = ("/bin/sh",)) -> None:
        self.root = root
        self.shell = shell
        self.workspace = root / "workspace"
        self.workspace.mkdir(parents=True)
        self.server = ApiServer(
            [
                PODS,
                Served(EVENTS, selectable=("involvedObject.uid", "type")),
                VOLUME_CLAIMS,
                NODES,
                CONFIG_MAPS,
            ],
            now=SystemClock().now,
        )
        self.status: Callable[[dict[str, Any]], dict[str, Any]] = running
        self.processes: set[asyncio.subprocess.Process] = set()
        self.keeps_deleted = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.access = self.do(self.server.start())
        self.server.objects.listeners.append(self._changed)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the cluster's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def call(self, work: Callable[[], T]) -> T:
        """Call something there."""

        async def called() -> T:
            return work()

        return self.do(called())

    def close(self) -> None:
        """End everything, steps too."""
        self.do(self.server.stop())
        self._kill(self.root)
        self.do(self._all_ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _all_ended(self) -> None:
        while self.processes:  # noqa: ASYNC110  # processes raise no events here
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)

    def pod(self) -> dict[str, Any]:
        """Return the only pod there is."""
        (pod,) = self.call(lambda: self.server.objects.all(PODS))
        return pod

    def pods(self) -> list[dict[str, Any]]:
        return self.call(lambda: self.server.objects.all(PODS))

    def set_status(self, **changes: Any) -> None:
        """Change the status of the only pod."""
        name = self.pod()["metadata"]["name"]
        patch = {"status": changes}
        self.call(lambda: self.server.objects.patch(PODS, name, NAMESPACE, patch, subresource="status"))

    def restart(self, reason: str, container: str = "main") -> None:
        """Kill all that runs in the containers, and start one anew."""
        self._kill(self.root)
        ended = {"terminated": {"reason": reason, "exitCode": 137}}
        pod = self.pod()
        statuses = [
            {**status, "restartCount": status["restartCount"] + 1, "lastState": ended}
            if status["name"] == container
            else status
            for status in pod["status"]["containerStatuses"]
        ]
        self.set_status(containerStatuses=statuses)

    def delete(self, **options: Any) -> None:
        """Delete the only pod, as by kubectl."""
        name = self.pod()["metadata"]["name"]
        self.call(lambda: self.server.objects.delete(PODS, name, NAMESPACE, **options))

    def set_node(self, node: dict[str, Any] | None) -> None:
        """Say how the node is; None: there is no such node."""
        objects = self.server.objects
        with suppress(Refused):
            self.call(lambda: objects.delete(NODES, NODE))
        if node is not None:
            made = {"metadata": {"name": NODE}, **node}
            self.call(lambda: objects.create(NODES, made, None))
            self.call(lambda: objects.patch(NODES, NODE, None, made, subresource="status"))

    def directory(self, container: str = "main") -> Path:
        """Return where the state of a container is."""
        return self.root / str(self.pod()["metadata"]["uid"]) / "state" / container

    def attempt(self, key: AttemptKey, container: str = "main") -> Path:
        """Return where the state of an attempt is."""
        return self.directory(container) / key.instance / key.token

    def cut_streams(self) -> None:
        """Cut all exec streams."""
        self.call(self.server.containers.drop)

    def paths(self, workspace: str) -> Paths:
        # Only one pod lives at a time, and a link names its directories.
        here = self.root / "current"
        return Paths(str(self.workspace), f"{here}/state", f"{here}/out", f"{here}/secrets")

    def _changed(self) -> None:
        change = self.server.objects.history[-1]
        if change.resource != PODS:
            return
        if change.before is None and change.after is not None:
            self._loop.call_soon(self._run, change.after)
        elif change.after is not None and "deletionTimestamp" in change.after["metadata"]:
            if not self.keeps_deleted:
                self._loop.call_soon(self._remove, change.after)
        elif change.after is None and change.before is not None:
            self._end(change.before["metadata"]["uid"])

    def _run(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        home = self.root / metadata["uid"]
        for container in pod["spec"]["containers"]:
            (home / "state" / container["name"]).mkdir(parents=True)
            (home / "out" / container["name"]).mkdir(parents=True)
            self.server.containers.runs(metadata["name"], container["name"], self._program(metadata["uid"]))
        (home / "secrets").mkdir()
        current = self.root / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(home)
        self.server.objects.patch(PODS, metadata["name"], metadata["namespace"], {"spec": {"nodeName": NODE}})
        with suppress(Refused):
            self.server.objects.patch(
                PODS,
                metadata["name"],
                metadata["namespace"],
                {"status": self.status(pod)},
                subresource="status",
            )

    def _remove(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        self._end(metadata["uid"])
        with suppress(Refused):
            self.server.objects.delete(PODS, metadata["name"], metadata["namespace"], grace_seconds=0)

    def _end(self, uid: str) -> None:
        home = self.root / uid
        self._kill(home)
        rmtree(home, ignore_errors=True)

    def _kill(self, home: Path) -> None:
        for process in list(self.processes):
            with suppress(ProcessLookupError):
                process.kill()
        # Whoever lives below that directory: steps, their watchers, the guard.
        for stat in Path("/proc").glob("[0-9]*"):
            try:
                place = str((stat / "cwd").readlink())
                environment = (stat / "environ").read_bytes()
            except OSError:
                continue
            if (place.startswith(str(home.parent)) or str(home.parent).encode() in environment) and int(
                stat.name
            ) != os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(int(stat.name), signal.SIGKILL)

    def _program(self, uid: str) -> Callable[[Session], Coroutine[Any, Any, int]]:
        async def program(session: Session) -> int:
            assert session.argv[0] == "/bin/sh"
            process = await asyncio.create_subprocess_exec(
                *self.shell,
                *session.argv[1:],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self.root,
                env={"PATH": os.environ["PATH"], "WFE_POD": uid},
                start_new_session=True,
            )
            self.processes.add(process)
            try:
                return await _relay(session, process)
            finally:
                self.processes.discard(process)

        return program


async def _relay(session: Session, process: asyncio.subprocess.Process) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr

    async def give() -> None:
        with suppress(ConnectionError, RuntimeError):
            while data := await session.read():
                stdin.write(data)
                await stdin.drain()
        stdin.close()

    async def take() -> None:
        with suppress(ConnectionError, RuntimeError):
            while data := await stdout.read(16 * BLOCK):
                await session.write(data)
        # Whoever still writes finds that nobody reads.
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]

    async def complain() -> None:
        with suppress(ConnectionError, RuntimeError):
            while data := await stderr.read(BLOCK):
                await session.complain(data)

    tasks = [asyncio.create_task(work()) for work in (give, take, complain)]
    try:
        # Watchers of steps hold the same pipes, and their steps go on.
        return await process.wait()
    finally:
        for task in tasks:
            task.cancel()
        process._transport.close()  # type: ignore[attr-defined]  # there is no other way to let go of its pipes
        await asyncio.gather(*tasks, return_exceptions=True)


def running(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the status of a pod in which all is well."""
    return {
        "phase": "Running",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [container_status(each["name"]) for each in pod["spec"]["containers"]],
        "initContainerStatuses": [
            container_status(each["name"]) | {"started": True}
            for each in pod["spec"].get("initContainers", ())
        ],
    }


def container_status(name: str, **changes: Any) -> dict[str, Any]:
    """Return the status of a container that runs."""
    state = {"running": {"startedAt": "2030-01-01T00:00:00Z"}}
    return {"name": name, "restartCount": 0, "containerID": "x", "state": state, "lastState": {}} | changes


class Homes:
    """One tree."""

    def __init__(self, its: Needs) -> None:
        self.needs = its
        self.epochs = 0
        self.failures = 0

    async def home(self, instance: str) -> Home:
        return Home(ROOT, NAMESPACE, OWNER, "pipeline", self.needs)

    async def epoch(self, root: str) -> int:
        assert root == ROOT
        if self.failures:
            self.failures -= 1
            raise Conflict("somebody else was faster")
        self.epochs += 1
        return self.epochs


SOON = timedelta(milliseconds=200)
SETTINGS = RunnerSettings(
    pods=PodSettings(), start_patience=SOON, schedule_patience=SOON, log_patience=timedelta(seconds=20)
)


class Host:
    """An executor with its client and informer, begun when first used; one life of a controller."""

    def __init__(
        self, cluster: Cluster, homes: Homes, sink: Any, settings: RunnerSettings = SETTINGS
    ) -> None:
        self.cluster = cluster
        self.homes = homes
        self.sink = sink
        self.settings = settings
        self._executor: RunnerExecutor | None = None
        self._beginning: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def begun(self) -> RunnerExecutor:
        """Return the executor, once it has seen the cluster."""
        if self._beginning is None:
            self._beginning = asyncio.create_task(self._begin())
        await self._beginning
        return self.executor

    async def _begin(self) -> None:
        self.client = Client(self.cluster.access, patience=5.0)
        await self.client.open()
        self.pods = Informer(self.client, PODS, RunnerPod)
        self._executor = RunnerExecutor(
            self.client,
            self.pods,
            self.homes,
            self.settings,
            sink=self.sink,
            now=SystemClock().now,
            paths=self.cluster.paths,
        )
        self._watching = asyncio.create_task(self.pods.run())
        await self.pods.synced.wait()

    @property
    def executor(self) -> RunnerExecutor:
        assert self._executor is not None
        return self._executor

    @property
    def admits(self) -> bool:
        return True

    def place(self, instance: Instance | None) -> str:
        return "" if self._executor is None else self._executor.place(instance)

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        return self._executor is not None and self._executor.takes(task, incarnation)

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        return await (await self.begun()).admit(task, instance)

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        if self._executor is not None:
            self._executor.expect(task, incarnation)

    async def run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        return await (await self.begun()).run(task, incarnation)

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        await (await self.begun()).kill(key, grace)

    async def close(self, grace: timedelta) -> None:
        if self._executor is None:
            return
        await self._executor.close(grace)
        assert self._watching is not None
        self._watching.cancel()
        await asyncio.wait([self._watching])
        await self.client.close()

    async def place_for(self, task: ProcessTask, **changes: Any) -> str:
        """Have a task admitted."""
        return await self.admit(task, an_instance(ROOT, **changes)())
