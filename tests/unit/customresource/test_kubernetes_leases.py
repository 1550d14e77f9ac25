"""Leases between processes whose clocks say nothing about each other's."""

from datetime import timedelta

from tests.unit.customresource.place import NAMESPACE, Place, a_place
from wfe.kube.resource import LEASES
from wfe.providers.customresource.leases import KubernetesLeases, lease_name
from wfe.testing.hand import Hand
from wfe.testing.leases_contract import SECOND, TTL


def a_process(place: Place, name: str) -> tuple[KubernetesLeases, Hand]:
    """Return leases of a process with a clock of its own."""
    hand = Hand()
    return KubernetesLeases(place.client, NAMESPACE, name, now=hand.now), hand


async def test_whoever_just_came_waits_for_as_long_as_the_lease_lasts() -> None:
    async with a_place() as place:
        mine, _ = a_process(place, "me")
        yours, hand = a_process(place, "you")
        first = await mine.acquire("k", TTL)
        hand.move(timedelta(days=1))
        assert await yours.acquire("k", TTL) is None, "a clock that is ahead takes nothing"
        hand.move(TTL - SECOND)
        assert await yours.acquire("k", TTL) is None
        hand.move(SECOND)
        second = await yours.acquire("k", TTL)
        assert first is not None
        assert second == first + 1
        assert await mine.renew(TTL) == ["k"]


async def test_a_renewal_starts_the_wait_over() -> None:
    async with a_place() as place:
        mine, my_hand = a_process(place, "me")
        yours, hand = a_process(place, "you")
        await mine.acquire("k", TTL)
        for _ in range(3):
            assert await yours.acquire("k", TTL) is None
            my_hand.move(TTL / 2)
            hand.move(TTL - SECOND)
            assert await mine.renew(TTL) == []


async def test_a_lost_answer_to_a_renewal_loses_nothing() -> None:
    async with a_place() as place:
        mine, _ = a_process(place, "me")
        token = await mine.acquire("k", TTL)
        place.server.faults.lose(verb="patch", resource="leases")
        assert await mine.renew(TTL) == []
        assert await mine.acquire("k", TTL) == token


async def test_a_lease_that_was_deleted_is_lost_and_can_be_taken_again() -> None:
    async with a_place() as place:
        mine, _ = a_process(place, "me")
        await mine.acquire("shard/1", TTL)
        await place.client.delete(LEASES, lease_name("shard/1"), NAMESPACE)
        assert await mine.renew(TTL) == ["shard/1"]
        assert await mine.acquire("shard/1", TTL) is not None


async def test_whoever_just_came_takes_the_long_dead_for_no_holders() -> None:
    async with a_place() as place:
        mine, _ = a_process(place, "me")
        await mine.acquire("m/1", TTL)
        await mine.acquire("m/2", TTL)
        old = {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}
        await place.client.patch(LEASES, lease_name("m/1"), NAMESPACE, old)
        yours, hand = a_process(place, "you")
        assert await yours.holders("m/") == {"m/2": "me"}
        assert await yours.acquire("m/1", TTL) is None, "to take it, one waits for as long as it lasts"
        hand.move(TTL)
        assert await yours.holders("m/") == {}
