"""Leases pass through, but for those of holders that are known to be dead."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from wfe.hosts.wiring.departed import WithoutTheDead
from wfe.ports.leases import Leases
from wfe.providers.memory import LeaseTable, MemoryLeases
from wfe.testing.hand import Hand
from wfe.testing.leases_contract import TTL, LeasesContract, World

DEAD = {"dead", "also dead"}


def leases_of(table: LeaseTable, hand: Hand) -> Callable[[str], Leases]:
    return lambda holder: WithoutTheDead(
        lambda name: MemoryLeases(table, name, now=hand.now), holder, is_alive=lambda name: name not in DEAD
    )


class TestWithoutTheDead(LeasesContract):
    @pytest.fixture
    def world(self) -> World:
        hand = Hand()
        return World(leases=leases_of(LeaseTable(), hand), opened=_Open, time=hand)


class _Open:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


async def test_what_a_dead_process_held_is_free_at_once_and_the_token_grows() -> None:
    make = leases_of(LeaseTable(), Hand())
    dead, mine, yours = make("dead"), make("me"), make("you")
    first = await dead.acquire("k", TTL)
    assert first is not None
    assert await mine.holder("k") is None
    assert await mine.acquire("k", TTL) == first + 1
    assert await yours.acquire("k", TTL) is None
    assert await yours.holder("k") == "me"


async def test_who_looks_dead_and_is_not_is_told_that_its_lease_is_gone() -> None:
    make = leases_of(LeaseTable(), Hand())
    dead, mine = make("dead"), make("me")
    await dead.acquire("k", TTL)
    await mine.acquire("k", TTL)
    assert list(await dead.renew(timedelta(seconds=1))) == ["k"]
