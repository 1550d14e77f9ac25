"""A pod for one attempt.

A derived name fences nothing once its pod is gone: an engine that slept would make it anew, and the step would run
twice. So a pod is made behind a scheduling gate; its uid is saved with the attempt; and only the pod with the saved uid
is let run, by a patch that names it and the version that was seen. Any other of that name goes unscheduled. A finalizer
keeps the pod until the outcome is saved, and why we end one is written on it first: whoever drives the instance next
finds both.

A pod on a node that does not answer may run on, so its attempt goes on too, until the node is back, or is removed from
the cluster or marked as out of service.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from wfe.errors import Permanent
from wfe.executors.pod.endings import Ending, Why
from wfe.executors.pod.errands import Errands
from wfe.executors.pod.following import Following, patiently
from wfe.executors.pod.judging import judged, lost
from wfe.executors.pod.rereading import read_again
from wfe.executors.pod.results import has_frame, outputs_in
from wfe.executors.pod.seen import AttemptPod
from wfe.kube import ApiForbidden, ApiNotFound, Client, Informer
from wfe.kube.resource import PODS
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.json import Data
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.attempt import attempt_pod, task_files
from wfe.pods.guard import check
from wfe.pods.home import Home
from wfe.pods.needs import WorkspaceKind
from wfe.pods.settings import PodSettings
from wfe.pods.volumes import volume_claim
from wfe.ports.logs import LogSink
from wfe.supervisor.shared import Shared

log = logging.getLogger(__name__)
# How long a pod is kept for a log that cannot be had.
_READ_WITHIN_SECONDS: Final = 600.0
Homes = Callable[[str], Awaitable[Home]]
Where = tuple[str, str]


class PodExecutor:
    """Runs isolated tasks; keeps the promise of `ports.executor.Executor` for them.

    Args:
        homes: tells the home of an instance by its id: Permanent if there is none any more, Retryable if not yet.
        namespaces: where pods are watched; None for all.
    """

    def __init__(
        self,
        client: Client,
        homes: Homes,
        settings: PodSettings,
        sink: LogSink,
        *,
        namespaces: Sequence[str] | None = None,
        informer: Informer[AttemptPod] | None = None,
    ) -> None:
        self._client = client
        self._homes = homes
        self._settings = settings
        self._sink = sink
        self._errands = Errands(client)
        self._informer = informer or Informer(
            client, PODS, AttemptPod, namespaces=namespaces, labels=f"{labels.ROLE}={labels.ATTEMPT}"
        )
        self._stop_listening = self._informer.listen(self._note)
        self._changes: dict[Where, asyncio.Event] = {}
        self._admitted: dict[AttemptKey, str] = {}
        # The revision that an attempt was admitted for; an instance before it does not know of the attempt.
        self._since: dict[AttemptKey, int] = {}
        self._read: set[AttemptKey] = set()
        self._running: Shared[TaskEnded] = Shared()

    async def watch(self) -> None:
        """Follow the pods until cancelled; the host runs this as long as the executor is used."""
        await self._informer.run()

    @property
    def synced(self) -> asyncio.Event:
        """Set once all pods of attempts are known."""
        return self._informer.synced

    @property
    def age(self) -> float:
        """Seconds since anything was heard of pods."""
        return self._informer.age

    @property
    def admits(self) -> bool:
        """Yes: there is a pod for each attempt, which has to be made."""
        return True

    def place(self, instance: Instance | None) -> str:  # noqa: ARG002  # no attempt's place is another's
        """Return ""."""
        return ""

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        """Tell whether it is the uid of the pod that was made for this attempt."""
        return bool(incarnation) and self._admitted.get(task.key) == incarnation

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        """Make the pod behind its gate, or find it, and return its uid."""
        home = await self._homes(instance.id)
        manifest = attempt_pod(home, task, self._settings)
        check(manifest, self._settings)
        files = task_files(home, task)
        if home.needs.workspace.kind is WorkspaceKind.VOLUME:
            await self._errands.bring(volume_claim(home, self._settings), claim=True)
        if files is not None:
            await self._errands.bring(files)
        pod = await self._errands.make(manifest)
        self._informer.put(pod)
        self._admitted[task.key] = pod.metadata.uid
        self._since[task.key] = instance.revision
        return pod.metadata.uid

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        """Its pod was made when it was admitted."""

    async def run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        """Let the pod with that uid run, or find it, wait for its end, and tell how it ended."""
        self._admitted.pop(task.key, None)
        return await self._running.join(task.key.token, lambda: self._run(task, incarnation))

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """End the pod; one that is still gated never runs. Its end is what `run` returns."""
        try:
            await patiently(lambda: self._kill(key, grace))
        except Permanent as error:
            # It runs on to its own end or its timeout, of which `run` tells; there is nobody to tell of this.
            log.warning("attempt %d of %s cannot be ended: %s", key.attempt, key.path, error)

    async def _kill(self, key: AttemptKey, grace: timedelta) -> None:
        home = await self._homes(key.instance)
        pod = await self._errands.get(home.namespace, labels.attempt_name(key))
        if pod is not None and pod.metadata.labels.get(labels.ID) == key.instance:
            await self._errands.end(pod, Ending(Why.CANCELLED), grace)

    def settled(self, instance: Instance) -> list[AttemptPod]:
        """Return the pods of attempts whose end the saved instance knows, and whose log was handed on to its end.

        Gated pods stay: one may have been made for a decision that is about to be saved. So do those of attempts
        that are followed just now, or were admitted for a later revision: the instance may be an old one by now.
        """
        return [
            pod
            for pod in self._of(instance.id)
            if _key_of(pod) in self._read and self._is_settled(pod, instance)
        ]

    async def remove(self, pods: Sequence[AttemptPod]) -> None:
        """Remove pods that nobody needs any more."""
        for pod in pods:
            await self._errands.remove(pod)
            self._since.pop(_key_of(pod), None)
            self._read.discard(_key_of(pod))

    def _is_settled(self, pod: AttemptPod, instance: Instance) -> bool:
        key = _key_of(pod)
        is_followed = (pod.metadata.namespace, pod.metadata.name) in self._changes
        if pod.is_gated or is_followed or instance.revision < self._since.get(key, 0):
            return False
        pointer = instance.pointers.get(key.path)
        return pointer is None or pointer.incarnation != pod.metadata.uid

    def _of(self, instance: str) -> list[AttemptPod]:
        return [pod for pod in self._informer.values() if pod.metadata.labels.get(labels.ID) == instance]

    async def read_rest(self, instance: str) -> None:
        """Hand on the logs of attempts that are over and that nobody here has followed to their ends."""
        for pod in self._of(instance):
            where = (pod.metadata.namespace, pod.metadata.name)
            key = _key_of(pod)
            if pod.is_over and where not in self._changes and key not in self._read:
                try:
                    async with asyncio.timeout(_READ_WITHIN_SECONDS):
                        await patiently(partial(read_again, self._client, pod, key, self._sink))
                except TimeoutError:
                    log.warning("the log of %s is lost: its node does not give it", pod.metadata.name)
                self._read.add(key)

    async def release(self, instance_id: str, namespace: str | None = None) -> None:
        """Remove everything that was made for attempts of an instance: it has ended, or is gone.

        Args:
            namespace: where it was, for an instance that nobody can look up any more.
        """
        for key in [key for key in self._since if key.instance == instance_id]:
            del self._since[key]
            self._admitted.pop(key, None)
        self._read = {key for key in self._read if key.instance != instance_id}
        where = namespace if namespace is not None else (await self._homes(instance_id)).namespace
        try:
            for pod in await self._errands.of_instance(where, instance_id):
                await self._errands.remove(pod)
            await self._errands.sweep_files(where, instance_id)
        except (ApiNotFound, ApiForbidden) as error:
            # Its namespace is gone, or going and takes everything along.
            log.debug("nothing to release in %s: %s", where, error)

    def instances(self) -> set[tuple[str, str, str]]:
        """Return whose pods there are: namespace, root and id of each instance that has any.

        Pods keep finalizers; the host releases those of instances that are gone.
        """
        return {
            (
                pod.metadata.namespace,
                pod.metadata.labels.get(labels.ROOT, ""),
                pod.metadata.labels.get(labels.ID, ""),
            )
            for pod in self._informer.values()
        }

    async def close(self, grace: timedelta) -> None:  # noqa: ARG002  # nothing here lives in this process
        """Detach; pods run on."""
        self._stop_listening()
        await self._running.close()

    async def _run(self, task: ProcessTask, uid: str) -> TaskEnded:
        home = await patiently(lambda: self._homes(task.key.instance))
        where = (home.namespace, labels.attempt_name(task.key))
        changed = self._changes[where] = asyncio.Event()
        try:
            return await self._followed(task, where, uid, changed)
        finally:
            del self._changes[where]

    async def _followed(self, task: ProcessTask, where: Where, uid: str, changed: asyncio.Event) -> TaskEnded:
        pod = await patiently(lambda: self._let_run(where, uid))
        if pod is None:
            return lost(task, "its pod is gone")
        following = Following(self._client, self._informer, self._settings, task, self._sink)
        last = await following.to_its_end(pod, changed)
        if last is None:
            return lost(task, "its pod is gone")
        message = last.terminated.message if last.terminated else ""

        def outputs() -> Data:
            return outputs_in(task, message, following.log_end)

        ended = judged(last, task, outputs)
        if not has_frame(message):
            await following.let_go()
        self._read.add(task.key)
        return ended

    async def _let_run(self, where: Where, uid: str) -> AttemptPod | None:
        """Take the gate away, if it is the pod with that uid; None: there is no such pod, and never will be."""
        while True:
            pod = await self._errands.get(*where)
            if pod is None or not uid:
                return None
            if pod.metadata.uid != uid:
                # Made by somebody who did not know that the attempt had a pod.
                if pod.is_gated and pod.metadata.labels.get(labels.ROLE) == labels.ATTEMPT:
                    await self._errands.remove(pod)
                return None
            if not pod.is_gated or pod.is_deleted or pod.ending:
                return pod
            freed = await self._errands.let_run(pod)
            if freed is not None:
                return freed

    def _note(self, key: Where, before: AttemptPod | None, after: AttemptPod | None) -> None:  # noqa: ARG002
        if key in self._changes:
            self._changes[key].set()


def _key_of(pod: AttemptPod) -> AttemptKey:
    notes = pod.metadata.annotations
    number = notes.get(labels.ATTEMPT_NUMBER, "")
    attempt = int(number) if number.isdecimal() else 0
    return AttemptKey(pod.metadata.labels.get(labels.ID, ""), notes.get(labels.STEP, ""), attempt)
