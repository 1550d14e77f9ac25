"""Replicas that share the work by themselves, whoever comes, goes, dies or is paused."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

import pytest

from tests.unit.runtime.site import virtually
from wfe.errors import StoreUnavailable
from wfe.hosts.kubernetes.membership import Membership
from wfe.hosts.kubernetes.shards import SETTLE, SHARDS, TTL, shard_of, shards_of
from wfe.providers.memory import LeaseTable, MemoryLeases
from wfe.testing.fakes import FakeClock

ALL = frozenset(range(SHARDS))
TAKEOVER = TTL.total_seconds() + 2


class Fickle(MemoryLeases):
    """Leases that cannot be reached while `is_away`, and answer nothing while `is_silent`."""

    is_away = False
    is_silent = False
    loses_answers = False

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        await self._try()
        token = await super().acquire(key, ttl)
        if self.loses_answers:
            self.loses_answers = False
            raise StoreUnavailable("the answer is lost")
        return token

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        await self._try()
        return await super().renew(ttl)

    async def holders(self, prefix: str) -> Mapping[str, str]:
        await self._try()
        return await super().holders(prefix)

    async def release(self, key: str) -> None:
        await self._try()
        await super().release(key)

    async def _try(self) -> None:
        if self.is_silent:
            await asyncio.Event().wait()
        if self.is_away:
            raise StoreUnavailable("away")


class Replica:
    """A member whose work is to wait. `works` is what it was told, `is_working` whether its work runs."""

    def __init__(self, table: LeaseTable, name: str, clock: FakeClock) -> None:
        self.name = name
        self.leases = Fickle(table, name, now=clock.now)
        self.works: frozenset[int] = frozenset()
        self.is_working = False
        self.membership = Membership(self.leases, name, told=self.told)
        self.task = asyncio.create_task(self.membership.run(self.work))

    def told(self, shards: frozenset[int]) -> None:
        self.works = shards

    async def work(self) -> None:
        self.is_working = True
        try:
            await asyncio.Event().wait()
        finally:
            self.is_working = False

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def die(self) -> None:
        """End without giving anything back, as the leases see it."""
        self.leases.is_away = True
        await self.leave()


class Group:
    """Replicas on one table of leases."""

    def __init__(self) -> None:
        self.table, self.clock = LeaseTable(), FakeClock()
        self.replicas: list[Replica] = []

    def join(self, name: str) -> Replica:
        replica = Replica(self.table, name, self.clock)
        self.replicas.append(replica)
        return replica

    def worked(self) -> Counter[int]:
        """Count who works each shard."""
        return Counter(shard for replica in self.replicas for shard in replica.works)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass; at no moment do two work the same."""
        for _ in range(round(seconds * 20)):
            await asyncio.sleep(0.05)
            assert max(self.worked().values(), default=0) <= 1

    async def end(self) -> None:
        for replica in self.replicas:
            await replica.leave()


def is_shared(*replicas: Replica) -> bool:
    names = [replica.name for replica in replicas]
    return all(replica.works == shards_of(replica.name, names) for replica in replicas)


@virtually
async def test_one_alone_works_everything_at_once() -> None:
    group = Group()
    only = group.join("a")
    await group.pass_time(0.1)
    assert (only.works, only.is_working) == (ALL, True)
    assert only.membership.works("any root")
    await group.end()


@virtually
async def test_one_who_joins_gets_its_share_when_the_others_have_let_go() -> None:
    group = Group()
    first = group.join("a")
    await group.pass_time(5)
    second = group.join("b")
    await group.pass_time(1.5)
    assert first.works == shards_of("a", "ab")
    assert second.works == frozenset()
    await group.pass_time(SETTLE)
    assert is_shared(first, second)
    root = next(name for name in "0123456789" if shard_of(name) in second.works)
    assert (first.membership.works(root), second.membership.works(root)) == (False, True)
    await group.end()


@virtually
async def test_one_who_leaves_is_followed_at_once() -> None:
    group = Group()
    first, second, third = (group.join(name) for name in "abc")
    await group.pass_time(20)
    assert is_shared(first, second, third)
    await third.leave()
    assert third.works == frozenset()
    await group.pass_time(1.1)
    assert is_shared(first, second)
    await group.end()


@virtually
async def test_one_who_dies_is_followed_within_its_ttl_and_two_seconds() -> None:
    group = Group()
    first, second = group.join("a"), group.join("b")
    await group.pass_time(20.3)
    await second.die()
    await group.pass_time(TAKEOVER)
    assert first.works == ALL
    await group.end()


@virtually
async def test_one_who_comes_back_under_its_name_goes_on_at_once() -> None:
    group = Group()
    first, second = group.join("a"), group.join("b")
    await group.pass_time(20)
    share = second.works
    await second.die()
    again = group.join("b")
    await group.pass_time(0.1)
    assert again.works == share
    assert first.works == ALL - share
    assert sorted(group.table.leases) == ["operator/0", "operator/1"]
    await group.end()


@pytest.mark.parametrize("how", ["is_away", "is_silent"])
def test_one_who_cannot_reach_the_leases_stops_before_others_begin(how: str) -> None:
    @virtually
    async def run() -> None:
        group = Group()
        first, second = group.join("a"), group.join("b")
        await group.pass_time(20)
        setattr(second.leases, how, True)
        await group.pass_time(8)
        assert (second.works, second.is_working) == (frozenset(), False)
        await group.pass_time(TAKEOVER)
        assert first.works == ALL
        setattr(second.leases, how, False)
        await group.pass_time(SETTLE + 3)
        assert is_shared(first, second)
        assert second.is_working
        await group.end()

    run()


@virtually
async def test_a_short_outage_for_all_stops_nobody() -> None:
    group = Group()
    first, second = group.join("a"), group.join("b")
    await group.pass_time(20)
    for replica in group.replicas:
        replica.leases.is_away = True
    await group.pass_time(4)
    assert is_shared(first, second)
    for replica in group.replicas:
        replica.leases.is_away = False
    await group.pass_time(4)
    assert is_shared(first, second)
    await group.end()


@virtually
async def test_after_the_leases_were_forgotten_the_work_is_shared_again() -> None:
    group = Group()
    first, second = group.join("a"), group.join("b")
    await group.pass_time(20)
    for lease in group.table.leases.values():
        lease.holder = None
    await group.pass_time(SETTLE + 4)
    assert is_shared(first, second)
    await group.end()


@virtually
async def test_one_whose_acquiring_was_not_answered_waits_like_anybody_who_joins() -> None:
    group = Group()
    first = group.join("a")
    await group.pass_time(5)
    first.leases.is_away = True  # it goes by what it saw before
    second = group.join("b")
    second.leases.loses_answers = True
    await group.pass_time(5)
    first.leases.is_away = False
    await group.pass_time(SETTLE)
    assert is_shared(first, second)
    await group.end()


@virtually
async def test_one_that_was_paused_works_nothing_when_it_wakes() -> None:
    group = Group()
    only = group.join("a")
    await group.pass_time(5)
    # As if the process had been stopped: time has passed, and none of its tasks has run.
    asyncio.get_running_loop()._passing.elapsed += 60  # type: ignore[attr-defined]
    assert only.works == ALL
    assert only.membership.worked == frozenset()
    await group.pass_time(0.1)
    assert only.works == frozenset(), "others may have taken its shards"
    await group.pass_time(SETTLE + 3)
    assert only.works == ALL
    await group.end()


@virtually
async def test_slots_of_those_who_are_gone_are_used_again() -> None:
    group = Group()
    for name in "abcdefgh":
        replica = group.join(name)
        await group.pass_time(3)
        await replica.leave()
    assert list(group.table.leases) == ["operator/0"]


@virtually
async def test_work_that_fails_is_raised() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    group = Group()
    membership = Membership(MemoryLeases(group.table, "a", now=group.clock.now), "a")
    with pytest.raises(ValueError, match="broken"):
        await membership.run(broken)
    assert await MemoryLeases(group.table, "b", now=group.clock.now).holders("operator/") == {}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_no_two_work_the_same_and_in_the_end_all_is_worked(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 (it is to be the same again)

    @virtually
    async def run() -> None:
        group = Group()
        alive: list[Replica] = []
        for number in range(40):
            await group.pass_time(chance.choice((0.05, 0.5, 2, 6, 15)))
            match chance.choice(("join", "leave", "die", "away", "silent", "back", "back")):
                case "join" if len(alive) < 5:
                    alive.append(group.join(f"r{number}"))
                case "leave" if alive:
                    await alive.pop(chance.randrange(len(alive))).leave()
                case "die" if alive:
                    await alive.pop(chance.randrange(len(alive))).die()
                case "away" if alive:
                    chance.choice(alive).leases.is_away = True
                case "silent" if alive:
                    chance.choice(alive).leases.is_silent = True
                case "back":
                    for replica in alive:
                        replica.leases.is_away = replica.leases.is_silent = False
                case _:
                    pass
        for replica in alive:
            replica.leases.is_away = replica.leases.is_silent = False
        alive.append(group.join("last"))
        await group.pass_time(30)
        assert is_shared(*alive)
        await group.end()

    run()
