"""A fake API server for tests of what stands on `wfe.kube`; see `server.py`.

async with serving([PODS, Served(INSTANCES, selectable=("status.active",))]) as (server, client):
    server.faults.lose(verb="create", resource="pods")
    await client.create(PODS, …, "default")
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from wfe.kube.client import Client
from wfe.kube.resource import Resource
from wfe.testing.apiserver.containers import Session
from wfe.testing.apiserver.faults import Fault, Faults, Seen
from wfe.testing.apiserver.objects import Objects
from wfe.testing.apiserver.refusals import Refused
from wfe.testing.apiserver.server import ApiServer
from wfe.testing.apiserver.targets import Served

__all__ = ["ApiServer", "Fault", "Faults", "Objects", "Refused", "Seen", "Served", "Session", "serving"]


@asynccontextmanager
async def serving(
    resources: Iterable[Resource | Served], *, patience: float = 10.0
) -> AsyncIterator[tuple[ApiServer, Client]]:
    """Give a server and a client of it, open, for as long as the block lasts."""
    server = ApiServer(resources)
    client = Client(await server.start(), patience=patience)
    await client.open()
    try:
        yield server, client
    finally:
        await client.close()
        await server.stop()
