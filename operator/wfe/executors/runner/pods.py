"""Runner pods as they are known: by uid, by tree, and for a while after they are gone."""

import asyncio
from collections import OrderedDict, defaultdict
from typing import Any, Final

import msgspec

from wfe.executors.runner.shapes import RunnerPod
from wfe.kube import ApiNotFound, Client, Informer
from wfe.kube.resource import PODS
from wfe.pods import labels

_KEPT: Final = 1024


class Pods:
    """An informer's pods, and whoever waits for news of one."""

    def __init__(self, client: Client, informer: Informer[RunnerPod]) -> None:
        self._client = client
        self._informer = informer
        self._by_uid: dict[str, RunnerPod] = {}
        self._by_root: dict[str, dict[str, RunnerPod]] = defaultdict(dict)
        self._gone: OrderedDict[str, RunnerPod] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self.close = informer.listen(self._changed)

    def by_uid(self, uid: str) -> RunnerPod | None:
        return self._by_uid.get(uid)

    def gone(self, uid: str) -> RunnerPod | None:
        """Return a pod as it was when last seen, if it is gone and was seen."""
        return self._gone.get(uid)

    def of_root(self, root: str) -> RunnerPod | None:
        """Return the pod of a tree that new steps may run in."""
        pods = self._by_root.get(root, {}).values()
        return next((pod for pod in pods if not pod.is_over and not pod.is_ending), None)

    def all_of_root(self, root: str) -> list[RunnerPod]:
        """Return every pod of a tree, also those that are ending."""
        return list(self._by_root.get(root, {}).values())

    def take_in(self, answer: dict[str, Any]) -> RunnerPod:
        """Take note of what the API server answered us."""
        pod = msgspec.convert(answer, RunnerPod, strict=False)
        self._informer.put(pod)
        return pod

    async def read(self, namespace: str, name: str) -> RunnerPod | None:
        """Return a pod as it is now, whatever is in the cache."""
        try:
            return self.take_in(await self._client.get(PODS, name, namespace))
        except ApiNotFound:
            known = self._informer.get(namespace, name)
            if known is not None:
                self._informer.drop(namespace, name, known.uid)
            return None

    async def news(self, uid: str, within: float) -> None:
        """Wait until something about a pod has changed, or for so many seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[uid].add(future)
        try:
            await asyncio.wait([future], timeout=within)
        finally:
            self._waiting[uid].discard(future)
            if not self._waiting[uid]:
                del self._waiting[uid]

    def _changed(self, _key: tuple[str, str], before: RunnerPod | None, after: RunnerPod | None) -> None:
        if before is not None and (after is None or after.uid != before.uid):
            self._forget(before)
        if after is not None:
            self._by_uid[after.uid] = after
            self._by_root[_root(after)][after.uid] = after
            self._gone.pop(after.uid, None)
        for pod in filter(None, (before, after)):
            for future in self._waiting.get(pod.uid, ()):
                if not future.done():
                    future.set_result(None)

    def _forget(self, pod: RunnerPod) -> None:
        self._by_uid.pop(pod.uid, None)
        of_root = self._by_root[_root(pod)]
        of_root.pop(pod.uid, None)
        if not of_root:
            del self._by_root[_root(pod)]
        self._gone[pod.uid] = pod
        while len(self._gone) > _KEPT:
            self._gone.popitem(last=False)


def _root(pod: RunnerPod) -> str:
    return pod.metadata.labels.get(labels.ROOT, "")
