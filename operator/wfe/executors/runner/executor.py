"""Tasks as processes in the pod of their instance tree.

Everything that must outlive this process is elsewhere: claims and records lie in the pod, the pod's uid in the saved
attempt. What is here is how to reach them: an exec stream to each container for commands, one for its logs. Losing a
stream, or this process, loses nothing; losing the pod loses what ran in it, and that is told as Lost.

`run` fails for what is permanent alone: it waits out an API server that is away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from wfe.errors import Permanent, WfeError
from wfe.executors.runner.admission import Admission
from wfe.executors.runner.container import RunnerContainer
from wfe.executors.runner.endings import lost
from wfe.executors.runner.files import Paths
from wfe.executors.runner.homes import Homes, RunnerSettings
from wfe.executors.runner.leftovers import Leftovers, Past
from wfe.executors.runner.patience import patiently
from wfe.executors.runner.pods import Pods
from wfe.executors.runner.room import Room
from wfe.executors.runner.runner import Runner
from wfe.executors.runner.shapes import RunnerPod
from wfe.executors.runner.streams import Streams
from wfe.kube import ApiConflict, Client, Informer
from wfe.kube.resource import PODS
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.pods.home import Home
from wfe.pods.runner import container_for
from wfe.ports.logs import LogSink
from wfe.supervisor.layout import attempt_directory, instance_directory
from wfe.supervisor.shared import Shared

log = logging.getLogger(__name__)


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
        self._stop_listening = pods.listen(self._pod_changed)
        self._admission = Admission(client, self._pods, self._settings)
        streams = Streams(client, most=self._settings.streams, attaches=self._settings.attaches)
        self.leftovers = Leftovers()
        self._room = Room(streams, self._settings, sink, now, paths, self.leftovers)
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

    async def drain(self, instance: str) -> None:
        """Wait until all that attempts of an instance wrote before they ended was handed on, or for long enough."""
        await self.leftovers.read(instance, self._settings.drain_patience)

    async def read_rest(self, instance: str, past: Callable[[], Awaitable[Sequence[Past]]]) -> None:
        """Hand on what attempts wrote that ended when nobody was there to read it, as far as it can be had.

        Args:
            past: tells which attempts of the instance have ended; asked only if there is anything to read.
        """
        try:
            async with asyncio.timeout(self._settings.drain_patience.total_seconds()):
                await self._read_rest(instance, past)
        except (WfeError, TimeoutError) as error:
            log.warning("some of the log of instance %s is lost with its pod: %s", instance, error)

    async def _read_rest(self, instance: str, past: Callable[[], Awaitable[Sequence[Past]]]) -> None:
        home = await self._homes.home(instance)
        known = {one.name for one in self.leftovers.of(instance) if one.is_whole}
        ended: dict[str, Past] | None = None
        for container in self._containers_of(home):
            unread = {name for name in await container.written() if name not in known}
            mine = {name for name in unread if name.startswith(f"{instance_directory(instance)}/")}
            if not mine:
                continue
            if ended is None:
                ended = {attempt_directory(one.key): one for one in await past()}
            for one in sorted((ended[name] for name in mine if name in ended), key=lambda one: one.ended_at):
                await container.read_again(one)

    async def residents(self, root: str, *, ask: bool) -> set[str]:
        """Return the ids of the other instances that have left something in the pods of a tree.

        Args:
            ask: also ask the pods, since others than this process may have had steps run there.
        """
        found: set[str] = set()
        for pod in self._pods.all_of_root(root):
            found |= self.leftovers.instances(pod.uid)
        if ask:
            try:
                async with asyncio.timeout(self._settings.drain_patience.total_seconds()):
                    for container in self._containers_of(await self._homes.home(root)):
                        found |= {name.partition("/")[0] for name in await container.written()}
            except (WfeError, TimeoutError) as error:
                log.warning("the pod of instance %s does not tell what is in it: %s", root, error)
        return found - {root}

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
        self._stop_listening()
        self._pods.close()
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
        self.leftovers.forget_pod(uid)
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

    def _pod_changed(self, _key: tuple[str, str], before: RunnerPod | None, after: RunnerPod | None) -> None:
        if before is not None and (after is None or after.uid != before.uid):
            self.leftovers.forget_pod(before.uid)

    def _containers_of(self, home: Home) -> list[RunnerContainer]:
        """Return the containers of a home that can be asked."""
        pods = [pod for pod in self._pods.all_of_root(home.root) if not pod.is_over and not pod.is_ending]
        runners = [self._runners.setdefault(pod.uid, self._as_used(home, pod)) for pod in pods]
        return [self._container(runner, each.name) for runner in runners for each in home.needs.containers]

    def _container(self, runner: Runner, name: str) -> RunnerContainer:
        key = (runner.uid, name)
        if key not in self._containers:
            self._containers[key] = RunnerContainer(runner, name, self._room)
        return self._containers[key]
