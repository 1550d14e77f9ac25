"""Valkey's leases are gone by while anybody reaches Valkey, and those of the API server while nobody does."""

import asyncio
from collections import Counter

import pytest

from tests.unit.hosts_kubernetes.test_membership import ALL, Fickle
from tests.unit.runtime.site import virtually
from wfe.errors import Permanent
from wfe.hosts.kubernetes.leasing import STEADY, Leasing, Reach, goes_by_valkey
from wfe.hosts.kubernetes.shards import SETTLE, SURE, TTL, Share, shards_of
from wfe.providers.memory import LeaseTable, MemoryLeases
from wfe.testing.fakes import FakeClock

OVER = SURE + SETTLE + 4


class Replica:
    """One that works by Valkey, which only this one may lose, or by the API server."""

    def __init__(self, group: "Group", name: str) -> None:
        self.name = name
        self.valkey = Fickle(group.valkey, name, now=group.clock.now)
        self.valkey.is_away = group.is_away
        cluster, beacon = (MemoryLeases(group.cluster, name, now=group.clock.now) for _ in range(2))
        self.works: frozenset[int] = frozenset()
        leasing = Leasing(name, self.valkey, cluster, beacon, group="operator", told=self.told)
        self.task = asyncio.create_task(leasing.run(self.work))

    def told(self, shards: frozenset[int]) -> None:
        self.works = shards

    async def work(self, share: Share) -> None:
        assert share.worked == self.works
        await asyncio.Event().wait()

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Group:
    """Replicas on one Valkey and one API server."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.valkey, self.cluster, self.clock = LeaseTable(), LeaseTable(), FakeClock()
        self.is_away = is_away
        self.replicas: list[Replica] = []

    def join(self, name: str) -> Replica:
        self.replicas.append(Replica(self, name))
        return self.replicas[-1]

    def lose_valkey(self, *, away: bool) -> None:
        self.is_away = away
        for replica in self.replicas:
            replica.valkey.is_away = away

    async def pass_time(self, seconds: float) -> None:
        """Let time pass; at no moment do two work the same."""
        for _ in range(round(seconds * 20)):
            await asyncio.sleep(0.05)
            worked = Counter(shard for replica in self.replicas for shard in replica.works)
            assert max(worked.values(), default=0) <= 1

    def is_shared(self) -> bool:
        names = [replica.name for replica in self.replicas]
        return all(replica.works == shards_of(replica.name, names) for replica in self.replicas)

    def slots(self, table: LeaseTable) -> int:
        now = self.clock.now()
        held = [key for key, lease in table.leases.items() if lease.holder and lease.until > now]
        return sum(key.startswith("operator/") for key in held)

    async def end(self) -> None:
        for replica in self.replicas:
            await replica.leave()


@pytest.mark.parametrize(
    ("so_far", "seen", "by_valkey"),
    [
        pytest.param(True, Reach(5, 0, False), True, id="it-answers"),
        pytest.param(True, Reach(0, SURE - 1, False), True, id="it-has-just-failed"),
        pytest.param(True, Reach(0, SURE + 1, False), False, id="nobody-reaches-it"),
        pytest.param(True, Reach(0, SURE + 1, True), True, id="others-reach-it"),
        pytest.param(False, Reach(0, 99, True), True, id="others-reach-it-again"),
        pytest.param(False, Reach(STEADY - 1, 0, False), False, id="it-has-just-come-back"),
        pytest.param(False, Reach(STEADY, 0, False), True, id="it-is-back"),
    ],
)
def test_whose_leases_count(so_far: bool, seen: Reach, by_valkey: bool) -> None:
    assert goes_by_valkey(so_far, seen) is by_valkey


@virtually
async def test_while_valkey_answers_the_api_server_keeps_nothing_but_the_beacon() -> None:
    group = Group()
    group.join("a")
    await group.pass_time(0.1)
    assert group.replicas[0].works == ALL
    group.join("b")
    await group.pass_time(SETTLE + 2)
    assert group.is_shared()
    assert (group.slots(group.valkey), group.slots(group.cluster)) == (2, 0)
    assert list(group.cluster.leases) == ["operator-by-valkey"]
    await group.end()


@pytest.mark.parametrize("from_the_start", [True, False])
def test_when_valkey_is_down_the_work_goes_on_and_when_it_is_back_it_is_used_again(
    from_the_start: bool,
) -> None:
    @virtually
    async def run() -> None:
        group = Group(is_away=from_the_start)
        for name in "ab":
            group.join(name)
        await group.pass_time(20)
        group.lose_valkey(away=True)
        await group.pass_time(TTL.total_seconds() + OVER)
        assert group.is_shared()
        assert group.slots(group.cluster) == 2
        group.lose_valkey(away=False)
        await group.pass_time(STEADY + OVER)
        assert group.is_shared()
        assert (group.slots(group.valkey), group.slots(group.cluster)) == (2, 0)
        await group.end()

    run()


@virtually
async def test_one_who_alone_does_not_reach_valkey_stops_and_the_others_have_its_work() -> None:
    group = Group()
    first, second = group.join("a"), group.join("b")
    await group.pass_time(20)
    first.valkey.is_away = True
    await group.pass_time(60)
    assert (first.works, second.works) == (frozenset(), ALL)
    first.valkey.is_away = False
    await group.pass_time(OVER)
    assert group.is_shared()
    await group.end()


@virtually
async def test_when_valkey_was_emptied_the_work_is_shared_again() -> None:
    group = Group()
    for name in "ab":
        group.join(name)
    await group.pass_time(20)
    group.valkey.leases.clear()
    await group.pass_time(OVER)
    assert group.is_shared()
    await group.end()


@virtually
async def test_a_valkey_that_refuses_for_good_is_like_one_that_is_away() -> None:
    class Refusing(Fickle):
        async def _try(self) -> None:
            raise Permanent("wrong password")

    group = Group()
    replica = group.join("a")
    await group.pass_time(5)
    replica.valkey.__class__ = Refusing
    await group.pass_time(TTL.total_seconds() + OVER)
    assert (replica.works, group.slots(group.cluster)) == (ALL, 1)
    await group.end()
