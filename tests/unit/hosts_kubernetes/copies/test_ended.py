"""Whatever has ended in the cluster is found, also if it ended while nobody could be told."""

import asyncio
from collections.abc import AsyncIterator

from tests.unit.hosts_kubernetes.copies.test_searched import Server
from tests.unit.hosts_kubernetes.world import NAMESPACE, Cluster, a_cluster
from wfe.hosts.kubernetes.copies.known import Target
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.model.status import InstanceStatus
from wfe.ports.logs import Segment
from wfe.providers.customresource import INSTANCES, LogArchive
from wfe.runtime.clock import SystemClock
from wfe.testing.logs_contract import a_record

COMPLETE = InstanceStatus.COMPLETE


def copies_of(cluster: Cluster, server: Server) -> Searched:
    """Return what sends copies, reading lines from the objects of the cluster."""

    async def written(namespace: str, instance: str, step: str | None) -> AsyncIterator[Segment]:
        async for segment in LogArchive(cluster.client, namespace).written(instance, step=step):
            yield segment

    return Searched(Target(server, server.index, server.keeper), written, SystemClock())


async def until_found(server: Server, name: str, status: InstanceStatus) -> None:
    """Wait for it; the test's own limit ends what never comes."""
    while (await server.statuses()).get(f"{NAMESPACE}/{name}") is not status:  # noqa: ASYNC110 - the fake tells nobody
        await asyncio.sleep(0.01)


async def test_what_runs_and_ends_is_found() -> None:
    async with a_cluster() as cluster:
        server = Server()
        cluster.copies = copies_of(cluster, server)
        await cluster.define("w", "slow")
        async with cluster.leading():
            await cluster.start("one", "w")
            await until_found(server, "one", InstanceStatus.RUNNING)
            await cluster.change("one", desiredState="Terminated")
            await until_found(server, "one", InstanceStatus.TERMINATED)


async def test_what_ended_before_is_sent_with_what_was_kept_of_its_log() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "a")
        async with cluster.leading():
            uid = await cluster.start("one", "w")
            await cluster.settled("one")
        archive = LogArchive(cluster.client, NAMESPACE)
        await archive.write(a_record(b"an old line\n", instance=uid).segment)
        await archive.flush(uid, name="one", uid=uid)

        server = Server()
        cluster.copies = copies_of(cluster, server)
        async with cluster.leading():
            await until_found(server, "one", COMPLETE)
        assert await server.lines(namespace=NAMESPACE) == [b"an old line\n"]


async def test_what_is_not_copied_is_not_deleted_after_its_time() -> None:
    async with a_cluster() as cluster:
        server = Server()
        cluster.copies = copies_of(cluster, server)
        await cluster.define("w", "a")
        server.away(True)
        async with cluster.leading() as term:
            uid = await cluster.start("one", "w", ttlAfterFinished="0s")
            await cluster.settled("one")
            assert not await term._sweeper._may_go(NAMESPACE, "one", uid)
            server.away(False)
            while not await term._sweeper._may_go(NAMESPACE, "one", uid):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            assert await cluster.find(INSTANCES, "one") is not None
