"""Tasks as processes in the pod of their instance tree.

Everything that must outlive this process is elsewhere: claims and records lie in the pod, the pod's uid in the saved
attempt. What is here is how to reach them: an exec stream to each container for commands, one for its logs. Losing a
stream, or this process, loses nothing; losing the pod loses what ran in it, and that is told as Lost.

`run` fails for what is permanent alone: it waits out an API server that is away.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from wfe.errors import Permanent
from wfe.executors.runner.admission import Admission
from wfe.executors.runner.container import Room, RunnerContainer
from wfe.executors.runner.endings import lost
from wfe.executors.runner.files import Paths
from wfe.executors.runner.homes import Homes, RunnerSettings
from wfe.executors.runner.patience import patiently
from wfe.executors.runner.pods import Pods
from wfe.executors.runner.runner import Runner
from wfe.executors.runner.shapes import RunnerPod
from wfe.executors.runner.streams import Streams
from wfe.kube import ApiConflict, Client, Informer
from wfe.kube.resource import PODS
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.pods import Home, container_for
from wfe.ports.logs import LogSink
from wfe.supervisor.shared import Shared

# PID 1 prints what ended steps wrote, and takes a moment for it.
_ACKNOWLEDGE_AFTER_SECONDS: Final = 5.0


class NoContainer(Permanent):
    """The pod has no container for a task; it needs a pod of its own."""


class RunnerExecutor:
    """Keeps the promise of `ports.executor.Executor` with one runner pod for each instance tree.

    Args:
        pods: an informer of runner pods (label `role` = `runner`), run by whoever made it.
        paths: where things are in containers, given the workspace's; only tests have other places.
    """

    def __init__(  # noqa: PLR0913  # what it stands on
        self,
        client: Client,
        pods: Informer[RunnerPod],
        homes: Homes,
        settings: RunnerSettings | None = None,
        *,
        sink: LogSink,
        now: Callable[[], datetime],
        paths: Callable[[str], Paths] = Paths,
    ) -> None:
        self._settings = settings or RunnerSettings()
        self._client = client
        self._homes = homes
        self._pods = Pods(client, pods)
        self._admission = Admission(client, self._pods, self._settings)
        streams = Streams(client, most=self._settings.streams, attaches=self._settings.attaches)
        self._room = Room(streams, self._settings, sink, now, paths)
        self._homes_known: dict[str, Home] = {}
        self._roots: dict[str, str] = {}
        self._runners: dict[str, Runner] = {}
        self._containers: dict[tuple[str, str], RunnerContainer] = {}
        self._where: dict[AttemptKey, RunnerContainer] = {}
        self._running: Shared[TaskEnded] = Shared()
        self._cancelled: set[AttemptKey] = set()

    @property
    def admits(self) -> bool:
        """Every tree has a place of its own."""
        return True

    def place(self, instance: Instance | None) -> str:
        """Return the uid of the tree's pod, if it is known and is where the instance has its files."""
        # Which tree an instance is at home in is known once one of its attempts was admitted.
        root = None if instance is None else self._roots.get(instance.id)
        if instance is None or root is None:
            return ""
        pod = self._pods.of_root(root)
        if pod is None or instance.incarnation not in (None, pod.uid):
            return ""
        return pod.uid

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        """Whether the pod of that uid has a container for a task."""
        pod, home = self._pods.by_uid(incarnation), self._homes_known.get(incarnation)
        if task.isolated or pod is None or home is None or pod.is_over or pod.is_ending:
            return False
        return container_for(task, home.needs, self._settings.pods) is not None

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        """Make the tree's pod, or find it, and return its uid."""
        home = await self._homes.home(instance.id)
        if container_for(task, home.needs, self._settings.pods) is None:
            raise NoContainer(
                f"step `{task.key.path}` does not fit into the pod of its instance; give it `isolation: pod`"
            )
        pod = await self._admission.admit(home, instance)
        self._homes_known[pod.uid] = home
        self._roots[instance.id] = home.root
        return pod.uid

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        """Have its directories made while its attempt is being saved."""
        runner = self._runners.get(incarnation)
        name = runner and container_for(task, runner.home.needs, self._settings.pods)
        container = self._containers.get((incarnation, name or ""))
        if container is not None:
            container.make_room(task.key)

    async def run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        """Start the task or find it, wait for its end, and tell how it ended."""
        if not isinstance(task, ProcessTask):
            raise Permanent(f"step `{task.key.path}` is no process: this executor cannot run it")
        return await self._running.join(task.key.token, lambda: self._run(task, incarnation))

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """End the task's group, or see to it that `run` claims its key as cancelled before all else."""
        container = self._where.get(key)
        if container is None:
            self._cancelled.add(key)
        else:
            await container.kill(key, grace)

    def saved(self, instance: Instance) -> None:
        """Take note of what was saved: ends that the instance knows of need not be kept in its pod.

        To be called after saves, if one likes; it costs little, and keeps the records of long instances small.
        """
        now = asyncio.get_running_loop().time()
        for container in self._containers.values():
            due = [
                key
                for key, since in container.unacknowledged.items()
                if key.instance == instance.id
                and now - since > _ACKNOWLEDGE_AFTER_SECONDS
                and _is_over(instance, key)
            ]
            if due:
                container.acknowledge(due)

    async def release(self, root: str) -> None:
        """Delete the pod of a tree that needs it no more, once all it wrote was handed on.

        Raises:
            Retryable: try again.
        """
        pods = self._pods.all_of_root(root)
        if not pods:
            home = await self._homes.home(root)
            found = await self._pods.read(home.namespace, home.pod_name)
            pods = [] if found is None else [found]
        for pod in pods:
            await self._release(pod)
        self._roots = {instance: known for instance, known in self._roots.items() if known != root}

    async def close(self, grace: timedelta) -> None:  # noqa: ARG002  # nothing here lives in this process
        """Detach; what runs goes on."""
        await self._running.close()
        await asyncio.gather(*(container.close() for container in self._containers.values()))
        self._containers.clear()

    async def _release(self, pod: RunnerPod) -> None:
        containers = [container for (uid, _), container in self._containers.items() if uid == pod.uid]
        await asyncio.gather(*(container.drain() for container in containers))
        # A conflict is another pod of that name, which is not what was to be released.
        with suppress(ApiConflict):
            await self._client.delete(
                PODS, pod.metadata.name, pod.metadata.namespace, uid=pod.uid, propagation="Background"
            )
        await self._forget(pod.uid)

    async def _forget(self, uid: str) -> None:
        self._runners.pop(uid, None)
        self._homes_known.pop(uid, None)
        self._admission.made.discard(uid)
        keys = [key for key in self._containers if key[0] == uid]
        await asyncio.gather(*(self._containers.pop(key).close() for key in keys))

    async def _run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        if not incarnation:
            raise Permanent(f"step `{task.key.path}` was never given a pod to run in")
        runner = self._runners.get(incarnation) or await self._runner(task, incarnation)
        if runner is None:
            return lost(task, "its pod is gone")
        name = container_for(task, runner.home.needs, self._settings.pods)
        if name is None:
            raise NoContainer(f"step `{task.key.path}` does not fit into the pod of its instance any more")
        container = self._container(runner, name)
        is_cancelled = task.key in self._cancelled
        self._cancelled.discard(task.key)
        self._where[task.key] = container
        try:
            return await container.run(task, is_cancelled=is_cancelled)
        finally:
            del self._where[task.key]
            if runner.pod is None and container.is_idle:
                await self._forget(runner.uid)

    async def _runner(self, task: ProcessTask, uid: str) -> Runner | None:
        """Return the pod of that uid as one in use; None if it is gone."""
        home = self._homes_known.get(uid)
        if home is None:
            home = await patiently(partial(self._homes.home, task.key.instance))
        last = self._pods.by_uid(uid) or self._pods.gone(uid)
        pod = self._pods.by_uid(uid)
        if pod is None:
            name = home.pod_name if last is None else last.metadata.name
            pod = await patiently(partial(self._pods.read, home.namespace, name))
        if pod is None or pod.uid != uid:
            if last is not None:
                await self._as_used(home, last).confirm_end()
            return None
        self._homes_known[uid] = home
        return self._runners.setdefault(uid, self._as_used(home, pod))

    def _as_used(self, home: Home, pod: RunnerPod) -> Runner:
        runner = Runner(self._client, self._pods, self._homes, self._settings, home=home, pod=pod)
        runner.is_ours = pod.uid in self._admission.made
        return runner

    def _container(self, runner: Runner, name: str) -> RunnerContainer:
        key = (runner.uid, name)
        if key not in self._containers:
            self._containers[key] = RunnerContainer(runner, name, self._room)
        return self._containers[key]


def _is_over(instance: Instance, key: AttemptKey) -> bool:
    pointer = instance.pointers.get(key.path)
    return pointer is None or pointer.attempt != key.attempt
