"""What is asked of the API server about isolated pods: made, let run, ended, removed. Each errand may be run again.

Every write names the uid of the pod that it means, so none of them hits another of the same name.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any, Final

from wfe.errors import Permanent, Retryable
from wfe.executors.pod.endings import Ending
from wfe.executors.pod.seen import AttemptPod, pod_from
from wfe.kube import AlreadyExists, ApiConflict, ApiError, ApiForbidden, ApiInvalid, ApiNotFound, Client
from wfe.kube.resource import CONFIG_MAPS, EVENTS, PODS, VOLUME_CLAIMS
from wfe.pods import labels

log = logging.getLogger(__name__)
Manifest = dict[str, Any]
_TRIES: Final = 5
_FINALIZERS: Final = "finalizers"


class NameOccupied(Permanent):
    """Somebody else has a pod of that name."""


class NotYet(Retryable):
    """A pod of that name is going, or a quota is used up."""


class Errands:
    """Runs them for one client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, namespace: str, name: str) -> AttemptPod | None:
        """Return the pod of that name, whoever's it is."""
        try:
            return pod_from(await self._client.get(PODS, name, namespace))
        except ApiNotFound:
            return None

    async def bring(self, manifest: Manifest, *, claim: bool = False) -> None:
        """Make what a pod refers to; its name says what it is, so one that is there will do."""
        resource = VOLUME_CLAIMS if claim else CONFIG_MAPS
        try:
            await self._client.create(resource, manifest, manifest["metadata"]["namespace"])
        except AlreadyExists:
            pass
        except ApiForbidden as error:
            raise refused_for_now(error) from error

    async def make(self, manifest: Manifest) -> AttemptPod:
        """Make the pod, or find the one that was made from the same.

        Raises:
            NameOccupied: there is another one, which is not ours to remove.
            NotYet: an earlier one has to go first, or there is no room.
        """
        metadata = manifest["metadata"]
        for _ in range(_TRIES):
            try:
                return pod_from(await self._client.create(PODS, manifest, metadata["namespace"]))
            except AlreadyExists:
                found = await self.get(metadata["namespace"], metadata["name"])
            except ApiForbidden as error:
                raise refused_for_now(error) from error
            if found is None:
                continue
            if _is_same(found, metadata):
                return found
            await self._clear(found, metadata)
        raise NotYet(f"pod {metadata['name']} comes and goes")

    async def _clear(self, found: AttemptPod, metadata: Mapping[str, Any]) -> None:
        if not _is_ours(found, metadata):
            raise NameOccupied(
                f"there is a pod {metadata['namespace']}/{metadata['name']} that was not made for this step; delete it"
            )
        if not found.is_gated:
            raise NotYet(f"an earlier pod {metadata['name']} is not gone yet")
        await self.remove(found)

    async def let_run(self, pod: AttemptPod) -> AttemptPod | None:
        """Take the gate away from exactly this pod as it was seen; None: it changed, look again."""
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": pod.metadata.uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": pod.metadata.resource_version},
            {"op": "remove", "path": "/spec/schedulingGates"},
        ]
        try:
            return pod_from(
                await self._client.patch(PODS, pod.metadata.name, pod.metadata.namespace, patch, kind="json")
            )
        except (ApiConflict, ApiNotFound):
            return None
        except ApiInvalid:
            now = await self.get(pod.metadata.namespace, pod.metadata.name)
            if now is not None and now.metadata.resource_version == pod.metadata.resource_version:
                raise
            return None

    async def end(self, pod: AttemptPod, ending: Ending, grace: timedelta) -> None:
        """Write down why, and delete the pod; the first reason stays. Nothing happens to one that is over."""
        now: AttemptPod | None = pod
        while now is not None and now.metadata.uid == pod.metadata.uid and not now.is_over and not now.ending:
            patch = {"metadata": {"annotations": {labels.ENDING: str(ending)}}}
            if await self._patched(now, patch):
                break
            now = await self.get(pod.metadata.namespace, pod.metadata.name)
        if now is not None and now.metadata.uid == pod.metadata.uid and not now.is_over:
            await self._delete(pod, grace_seconds=max(1, ceil(grace.total_seconds())))

    async def remove(self, pod: AttemptPod) -> None:
        """Delete the pod and what was made for it, and let go of it."""
        files = pod.metadata.annotations.get(labels.FILES)
        if files:
            await self._client.delete(CONFIG_MAPS, files, pod.metadata.namespace)
        await self._delete(pod)
        now: AttemptPod | None = pod
        while now is not None and now.metadata.uid == pod.metadata.uid:
            kept = [each for each in now.metadata.finalizers if each != labels.FINALIZER]
            if kept == now.metadata.finalizers or await self._patched(now, {"metadata": {_FINALIZERS: kept}}):
                return
            now = await self.get(pod.metadata.namespace, pod.metadata.name)

    async def of_instance(self, namespace: str, instance: str) -> list[AttemptPod]:
        """Return the pods of attempts of an instance."""
        chosen = f"{labels.ROLE}={labels.ATTEMPT},{labels.ID}={instance}"
        return [pod_from(item) async for item in self._client.list(PODS, namespace, labels=chosen)]

    async def sweep_files(self, namespace: str, instance: str) -> None:
        """Delete what was made for attempts of an instance whose pods never came to be."""
        chosen = f"{labels.ROLE}={labels.ATTEMPT},{labels.ID}={instance}"
        await self._client.delete_all(CONFIG_MAPS, namespace, labels=chosen)

    async def warning(self, pod: AttemptPod) -> str:
        """Return what the cluster last warned of about a pod; "" if it did not, or may not tell us."""
        chosen = f"involvedObject.uid={pod.metadata.uid},type=Warning"
        try:
            found = [item async for item in self._client.list(EVENTS, pod.metadata.namespace, fields=chosen)]
        except ApiError as error:
            log.debug("events of %s cannot be read: %s", pod.metadata.name, error)
            return ""
        found.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""))
        return str(found[-1].get("message", "")) if found else ""

    async def _patched(self, pod: AttemptPod, patch: Manifest) -> bool:
        """Change the pod as it was seen; false if it changed, or is gone."""
        metadata = pod.metadata
        try:
            await self._client.patch(
                PODS, metadata.name, metadata.namespace, patch, resource_version=metadata.resource_version
            )
        except (ApiConflict, ApiNotFound):
            return False
        return True

    async def _delete(self, pod: AttemptPod, grace_seconds: int | None = None) -> None:
        try:
            await self._client.delete(
                PODS,
                pod.metadata.name,
                pod.metadata.namespace,
                uid=pod.metadata.uid,
                grace_seconds=grace_seconds,
            )
        except ApiConflict:
            log.debug("pod %s is another one by now", pod.metadata.name)


def _is_ours(pod: AttemptPod, metadata: Mapping[str, Any]) -> bool:
    owner = metadata["ownerReferences"][0]["uid"]
    is_attempt = pod.metadata.labels.get(labels.ROLE) == labels.ATTEMPT
    return is_attempt and owner in {each.uid for each in pod.metadata.owner_references}


def _is_same(pod: AttemptPod, metadata: Mapping[str, Any]) -> bool:
    spec = pod.metadata.annotations.get(labels.SPEC)
    is_made_of_it = spec == metadata["annotations"][labels.SPEC]
    return _is_ours(pod, metadata) and is_made_of_it and not pod.is_deleted


def refused_for_now(error: ApiForbidden) -> ApiForbidden | NotYet:
    """Tell a quota, which others may free, from a right that we do not have."""
    return NotYet(error.message) if error.is_about_quota else error
