"""A fake API server that the contract suites share: one a test process, and a namespace a test."""

import asyncio
import json
import threading
from functools import cache
from hashlib import sha256
from pathlib import Path

from wfe.kube.resource import CONFIG_MAPS, CONTROLLER_REVISIONS, LEASES
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS
from wfe.testing.apiserver import ApiServer, Served

SELECTABLE = ("status.active", "status.phase", "spec.workflowRef.name", "spec.parent.id")


def url_of_api_server(directory: Path) -> str:
    """Return the URL of an empty namespace, for this process and others."""
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "fake",
                "clusters": [{"name": "fake", "cluster": {"server": _server()}}],
                "users": [{"name": "fake", "user": {}}],
                "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            }
        )
    )
    namespace = f"test-{sha256(str(directory).encode()).hexdigest()[:12]}"
    return f"kubernetes:{namespace}?kubeconfig={kubeconfig}"


@cache
def _server() -> str:
    """Start the server in a thread with a loop of its own; it ends with the process."""
    ready = threading.Event()
    address: list[str] = []

    async def serve() -> None:
        server = ApiServer(
            [Served(INSTANCES, SELECTABLE), WORKFLOW_EVENTS, CONFIG_MAPS, CONTROLLER_REVISIONS, LEASES]
        )
        address.append((await server.start()).server)
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True, name="fake API server").start()
    ready.wait()
    return address[0]
