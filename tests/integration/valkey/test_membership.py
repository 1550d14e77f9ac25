"""Replicas of the operator share their work by leases on a server that is emptied and restarted under them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.integration.servers import OwnServer
from tests.integration.valkey.provider import CLOCK, opened, tell
from wfe.hosts.kubernetes.membership import Membership
from wfe.hosts.kubernetes.shards import SHARDS, shards_of
from wfe.ports.leases import Leases

pytestmark = pytest.mark.integration
NAMES = ("a", "b", "c")


class Replica:
    """A member that only says what it works."""

    def __init__(self, leases: Leases, name: str) -> None:
        self.name = name
        self.works: frozenset[int] = frozenset()
        self.membership = Membership(leases, name, told=self._told)
        self.task = asyncio.create_task(self.membership.run(asyncio.Event().wait))  # type: ignore[arg-type]

    def _told(self, shards: frozenset[int]) -> None:
        self.works = shards

    async def leave(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


async def until(replicas: list[Replica], what: Callable[[], bool]) -> None:
    """Return when it is so; meanwhile no two work the same."""
    async with asyncio.timeout(240):
        while not what():
            await asyncio.sleep(0.02)
            worked = Counter(shard for replica in replicas for shard in replica.works)
            assert max(worked.values(), default=0) <= 1


def is_shared(replicas: list[Replica]) -> bool:
    names = [replica.name for replica in replicas]
    return all(replica.works == shards_of(replica.name, names) for replica in replicas)


async def test_replicas_share_again_whatever_happens_to_the_server(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        replicas = [Replica(provider.leases(name, now=CLOCK.now), name) for name in NAMES]
        await until(replicas, lambda: is_shared(replicas))
        await tell(a_valkey, "FLUSHALL")
        await until(replicas, lambda: not any(replica.works for replica in replicas))
        await until(replicas, lambda: is_shared(replicas))
        a_valkey.kill()
        await asyncio.to_thread(a_valkey.start)
        assert is_shared(replicas), "a short restart stops nobody"
        await replicas.pop().leave()
        await until(replicas, lambda: is_shared(replicas))
        assert sum(len(replica.works) for replica in replicas) == SHARDS
        for replica in replicas:
            await replica.leave()
