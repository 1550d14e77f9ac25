"""The warm pool: idle runners of the default image, one of which becomes the pod of an instance that asks little.

A pod is used for one instance only. Claiming is one patch, at the version that was seen: it gives the pod the labels
and the owner that a pod made for the instance would have. Whoever drives the instance next finds it by those.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec
import structlog

from wfe.errors import WfeError
from wfe.executors.runner import RunnerPod
from wfe.kube import ApiConflict, ApiNotFound, Client, Informer
from wfe.kube.resource import PODS
from wfe.pods import labels
from wfe.pods.home import Home
from wfe.pods.runner import is_satisfied_by_pool, pool_pod
from wfe.pods.settings import PodSettings

log: Any = structlog.get_logger(__name__)
LOOK_EVERY: Final = 10.0


@dataclass(slots=True)
class Pool:
    """Keeps so many idle runners in each of some namespaces.

    Attributes:
        idle: the pods that nobody has claimed.
        runners: the cache that a claimed pod goes to.
        is_first: whether this replica keeps the pool; any of them claims.
    """

    client: Client
    idle: Informer[RunnerPod]
    runners: Informer[RunnerPod]
    settings: PodSettings
    size: int
    namespaces: Sequence[str]
    is_first: Callable[[], bool]
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Make what is missing and delete what is of no use, until cancelled."""
        if not self.size:
            return
        await self.idle.synced.wait()
        while True:
            self._stirred.clear()
            for namespace in self.namespaces if self.is_first() else ():
                try:
                    await self._fill(namespace)
                except WfeError as error:
                    log.warning("the pool cannot be filled", namespace=namespace, error=str(error))
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    async def _fill(self, namespace: str) -> None:
        manifest = self._manifest(namespace)
        spec = manifest["metadata"]["annotations"][labels.SPEC]
        good = 0
        for pod in list(self._in(namespace)):
            is_good = not pod.is_over and pod.metadata.annotations.get(labels.SPEC) == spec
            if is_good and good < self.size:
                good += 1
            elif not pod.is_ending:
                await self._delete(pod)
        for _ in range(self.size - good):
            self.idle.put(_pod(await self.client.create(PODS, manifest, namespace)))

    async def _delete(self, pod: RunnerPod) -> None:
        try:
            await self.client.delete(PODS, pod.metadata.name, pod.metadata.namespace, uid=pod.uid)
        except ApiConflict:
            return
        self.idle.drop(pod.metadata.namespace, pod.metadata.name, pod.uid)

    async def claim(self, home: Home) -> bool:
        """Make an idle pod the pod of a tree. False: there is none that would do."""
        if not self.size or home.namespace not in self.namespaces:
            return False
        if not is_satisfied_by_pool(home.needs, self.settings):
            return False
        spec = self._manifest(home.namespace)["metadata"]["annotations"][labels.SPEC]
        ready = [pod for pod in self._in(home.namespace) if _is_ready(pod, spec)]
        for pod in ready:
            if await self._claimed(pod, home):
                self._stirred.set()
                return True
        return False

    async def _claimed(self, pod: RunnerPod, home: Home) -> bool:
        metadata = home.metadata(pod.metadata.name, labels.RUNNER)
        patch = {"metadata": {key: metadata[key] for key in ("labels", "ownerReferences")}}
        self.idle.drop(home.namespace, pod.metadata.name, pod.uid)
        try:
            answer = await self.client.patch(
                PODS,
                pod.metadata.name,
                home.namespace,
                patch,
                resource_version=pod.metadata.resource_version,
            )
        except (ApiConflict, ApiNotFound):
            return False  # its status has changed, or it is gone: it comes back with the next news, or not
        self.runners.put(_pod(answer))
        log.debug("pool pod claimed", namespace=home.namespace, pod=pod.metadata.name, root=home.root)
        return True

    def _in(self, namespace: str) -> Iterator[RunnerPod]:
        return (pod for pod in self.idle.values() if pod.metadata.namespace == namespace)

    def _manifest(self, namespace: str) -> dict[str, Any]:
        manifest = pool_pod(self.settings, namespace=namespace)
        text = json.dumps(manifest, sort_keys=True)
        manifest["metadata"]["annotations"][labels.SPEC] = sha256(text.encode()).hexdigest()[:40]
        return manifest


def _is_ready(pod: RunnerPod, spec: str) -> bool:
    is_ours = pod.metadata.annotations.get(labels.SPEC) == spec
    runs = any(status.state.running is not None for status in pod.status.container_statuses)
    return is_ours and runs and not pod.is_over and not pod.is_ending


def _pod(answer: dict[str, Any]) -> RunnerPod:
    return msgspec.convert(answer, RunnerPod, strict=False)
