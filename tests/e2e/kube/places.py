"""A client of the cluster, a kind of its own, and pods to enter, for tests of `wfe.kube`."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from wfe.kube import Client, Informer, ObjectMeta, Resource, find_access
from wfe.kube.cache import Key
from wfe.kube.resource import PODS

IMAGE = "localhost/busybox:testbed"
# Two runs on one cluster shall not meet.
GROUP = f"e2e-{os.getpid()}.example.test"
WIDGETS = Resource(GROUP, "v1", "widgets", "Widget")

DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"widgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "selectableFields": [{"jsonPath": ".status.active"}],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer"},
                                    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                                },
                            },
                            "status": {
                                "type": "object",
                                "properties": {"active": {"type": "boolean"}, "text": {"type": "string"}},
                            },
                        },
                    }
                },
            }
        ],
    },
}


def widget(name: str, **spec: Any) -> dict[str, Any]:
    """A widget."""
    return {
        "apiVersion": WIDGETS.api_version,
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": spec,
    }


@asynccontextmanager
async def client_of_the_cluster() -> AsyncIterator[Client]:
    """A client of the cluster that KUBECONFIG names, as long as the block lasts."""
    client = Client(find_access(), user_agent="wfe-e2e")
    await client.open()
    try:
        yield client
    finally:
        await client.close()


class Phase(msgspec.Struct, frozen=True):
    """What a pod is doing."""

    phase: str = ""


class Pod(msgspec.Struct, frozen=True):
    """A pod."""

    metadata: ObjectMeta
    status: Phase = Phase()


def pod(name: str, command: str) -> dict[str, Any]:
    """A pod that Pod Security lets into a restricted namespace."""
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["/bin/sh", "-c", command],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    }


@asynccontextmanager
async def running(namespace: str, command: str) -> AsyncIterator[tuple[Client, str]]:
    """A client, and the name of a pod that runs as long as the block lasts."""
    runs = asyncio.Event()

    def note(_key: Key, _before: Pod | None, after: Pod | None) -> None:
        if after is not None and after.status.phase == "Running":
            runs.set()

    async with client_of_the_cluster() as client:
        informer = Informer(client, PODS, Pod, namespaces=[namespace], fields="metadata.name=p")
        informer.listen(note)
        watching = asyncio.create_task(informer.run())
        await client.create(PODS, pod("p", command), namespace)
        await runs.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        try:
            yield client, "p"
        finally:
            await client.delete(PODS, "p", namespace, grace_seconds=0)
