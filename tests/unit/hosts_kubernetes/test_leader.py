"""The replica that works."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.unit.runtime.site import virtually
from wfe.errors import StoreUnavailable
from wfe.hosts.kubernetes.leader import Leader, lease_key
from wfe.providers.memory import LeaseTable, MemoryLeases
from wfe.testing.fakes import FakeClock

KEY = lease_key(())


class Fickle(MemoryLeases):
    """Leases that cannot be reached while `is_away`, and answer nothing while `is_silent`."""

    is_away = False
    is_silent = False

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        await self._try()
        return await super().acquire(key, ttl)

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        await self._try()
        return await super().renew(ttl)

    async def _try(self) -> None:
        if self.is_silent:
            await asyncio.Event().wait()
        if self.is_away:
            raise StoreUnavailable("away")


class Replica:
    """A leader whose work is to wait."""

    def __init__(self, table: LeaseTable, name: str, clock: FakeClock) -> None:
        self.leases = Fickle(table, name, now=clock.now)
        self.works = 0
        self.told: list[bool] = []
        self.leader = Leader(self.leases, told=self.told.append)
        self.task = asyncio.create_task(self.leader.run(self.work))

    async def work(self) -> None:
        self.works += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.works -= 1

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@virtually
async def test_one_of_two_works_and_the_other_follows_at_once_when_it_goes() -> None:
    table, clock = LeaseTable(), FakeClock()
    first = Replica(table, "a", clock)
    await asyncio.sleep(1)
    second = Replica(table, "b", clock)
    await asyncio.sleep(60)
    assert (first.works, second.works) == (1, 0)
    await first.stop()
    await asyncio.sleep(2.5)
    assert (first.works, second.works) == (0, 1)
    assert first.told == [True, False]
    await second.stop()


@virtually
async def test_a_replica_that_dies_is_followed_when_its_lease_runs_out() -> None:
    table, clock = LeaseTable(), FakeClock()
    await MemoryLeases(table, "dead", now=clock.now).acquire(KEY, timedelta(seconds=10))
    second = Replica(table, "b", clock)
    await asyncio.sleep(9)
    assert second.works == 0
    await asyncio.sleep(3)
    assert second.works == 1
    await second.stop()


@virtually
async def test_one_who_has_lost_the_lease_stops_and_stands_by() -> None:
    table, clock = LeaseTable(), FakeClock()
    first = Replica(table, "a", clock)
    await asyncio.sleep(1)
    table.leases[KEY].holder = "b"
    table.leases[KEY].until = clock.now() + timedelta(seconds=60)
    await asyncio.sleep(3)
    assert (first.works, first.leader.is_leading) == (0, False)
    await asyncio.sleep(60)
    assert first.works == 1
    await first.stop()


@pytest.mark.parametrize("how", ["is_away", "is_silent"])
def test_one_who_cannot_renew_stops_before_another_may_begin(how: str) -> None:
    @virtually
    async def run() -> None:
        table, clock = LeaseTable(), FakeClock()
        first = Replica(table, "a", clock)
        await asyncio.sleep(3)
        setattr(first.leases, how, True)
        second = Replica(table, "b", clock)
        for _ in range(150):
            await asyncio.sleep(0.1)
            assert first.works + second.works <= 1
        assert second.works == 1
        await first.stop()
        await second.stop()

    run()


@virtually
async def test_a_short_outage_changes_nothing() -> None:
    table, clock = LeaseTable(), FakeClock()
    first = Replica(table, "a", clock)
    await asyncio.sleep(3)
    first.leases.is_away = True
    await asyncio.sleep(4)
    first.leases.is_away = False
    await asyncio.sleep(30)
    assert first.told == [True]
    await first.stop()


@virtually
async def test_work_that_breaks_ends_the_replica_and_gives_the_lease_back() -> None:
    table, clock = LeaseTable(), FakeClock()

    async def broken() -> None:
        raise ValueError("broken")

    leases = MemoryLeases(table, "a", now=clock.now)
    with pytest.raises(ValueError, match="broken"):
        await Leader(leases).run(broken)
    assert await leases.holder(KEY) is None
