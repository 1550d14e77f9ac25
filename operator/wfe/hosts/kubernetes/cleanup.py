"""What is done before the operator is uninstalled: it is stopped, its finalizers are taken off pods, and idle pods go.

Instances stay, and so does what their pods do; without an operator nobody would take the finalizers off, and the pods
and their namespaces could not be deleted.
"""

import asyncio
from typing import Any, Final

import structlog

from wfe.hosts.kubernetes.settings import Settings
from wfe.kube import ApiConflict, ApiForbidden, ApiNotFound, Client, find_access
from wfe.kube.resource import PODS, Resource
from wfe.pods import labels

log: Any = structlog.get_logger(__name__)
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
LOOK_EVERY: Final = 1.0
WITHIN: Final = 60.0


async def run(settings: Settings) -> None:
    """Stop the operator of this release, then free the pods.

    Raises:
        ApiForbidden, ApiUnavailable: the API server does not let us.
    """
    client = Client(find_access(), user_agent="wfe-cleanup")
    await client.open()
    try:
        await stop(client, f"{settings.webhook.configuration}-operator", settings.namespace or "default")
        freed = 0
        for namespace in settings.namespaces or (None,):
            freed += await free(client, namespace)
            await drain(client, namespace)
        log.info("finalizers taken off", pods=freed)
    finally:
        await client.close()


async def stop(client: Client, deployment: str, namespace: str) -> None:
    """Scale the operator to nothing, and wait until its pods are gone."""
    try:
        found = await client.patch(DEPLOYMENTS, deployment, namespace, {"spec": {"replicas": 0}})
    except ApiNotFound:
        return
    wanted = found["spec"]["selector"].get("matchLabels", {})
    selector = ",".join(f"{key}={value}" for key, value in sorted(wanted.items()))
    try:
        async with asyncio.timeout(WITHIN):
            # Nobody tells this short process when the last of them is gone.
            while [one async for one in client.list(PODS, namespace, labels=selector, metadata_only=True)]:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        log.warning("the operator's pods are still there; going on without waiting")


async def drain(client: Client, namespace: str | None) -> None:
    """Delete the pods of the pool, which belong to nobody."""
    selector = f"{labels.ROLE}={labels.POOL}"
    async for pod in client.list(PODS, namespace, labels=selector, metadata_only=True):
        metadata = pod["metadata"]
        try:
            await client.delete(PODS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except (ApiConflict, ApiForbidden) as error:
            log.warning("a pod of the pool is left", pod=metadata["name"], error=str(error))


async def free(client: Client, namespace: str | None) -> int:
    """Take our finalizer off every pod; return how many had it."""
    freed = 0
    selector = f"{labels.ROLE}={labels.ATTEMPT}"
    async for pod in client.list(PODS, namespace, labels=selector, metadata_only=True):
        metadata = pod["metadata"]
        kept = [name for name in metadata.get("finalizers", []) if name != labels.FINALIZER]
        if len(kept) == len(metadata.get("finalizers", [])):
            continue
        try:
            await client.patch(
                PODS, metadata["name"], metadata["namespace"], {"metadata": {"finalizers": kept or None}}
            )
        except ApiNotFound:
            continue
        freed += 1
    return freed
