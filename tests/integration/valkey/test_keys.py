"""What lies on the server: many keys, who has them, and what goes away by itself."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from tests.integration.servers import OwnServer
from tests.integration.valkey.provider import CLOCK, TTL, opened, take_one, tell
from wfe.providers.valkey.queue import taker

pytestmark = pytest.mark.integration


async def test_many_leases_and_claims_are_renewed(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        leases, queue = provider.leases("me", now=CLOCK.now), provider.queue(now=CLOCK.now)
        names = [f"k{number}" for number in range(1200)]
        await asyncio.gather(*(leases.acquire(name, TTL) for name in names))
        await asyncio.gather(*(queue.put(name, CLOCK.now()) for name in names))
        taken = await queue.take(2000, TTL)
        assert sorted(one.key for one in taken) == sorted(names)
        await tell(a_valkey, "HSET", "{wfe}:lease:k700", "holder", "you")
        assert await leases.renew(TTL) == ["k700"]
        await queue.done(taken[1100])
        assert await queue.renew(taken, TTL) == [taken[1100]]


async def test_the_group_of_takers_tells_who_has_what(a_valkey: OwnServer) -> None:
    stream = "{wfe}:queue:taken"
    async with Redis.from_url(a_valkey.url, decode_responses=True) as client:
        async with opened(a_valkey.url) as provider:
            await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
            taken = await take_one(provider)
            (pending,) = await client.xpending_range(stream, "takers", "-", "+", 9)
            assert (pending["consumer"], pending["times_delivered"]) == (taker(), 1)
            await provider.queue(now=CLOCK.now).done(taken)
        assert await client.xinfo_consumers(stream, "takers") == []


async def test_a_taker_that_died_is_forgotten_when_its_work_is_taken_over(a_valkey: OwnServer) -> None:
    stream = "{wfe}:queue:taken"
    async with (
        Redis.from_url(a_valkey.url, decode_responses=True) as client,
        opened(a_valkey.url) as provider,
    ):
        queue = provider.queue(now=CLOCK.now)
        await queue.put("a", CLOCK.now())
        await take_one(provider, timedelta(milliseconds=1))
        (pending,) = await client.xpending_range(stream, "takers", "-", "+", 9)
        await client.xclaim(stream, "takers", "the dead", 0, [pending["message_id"]])
        await queue.wait(CLOCK.now() + TTL)
        await take_one(provider)
        (pending,) = await client.xpending_range(stream, "takers", "-", "+", 9)
        assert (pending["consumer"], pending["times_delivered"]) == (taker(), 3)
        assert [one["name"] for one in await client.xinfo_consumers(stream, "takers")] == [taker()]


async def test_what_a_lease_leaves_behind_goes_after_a_while(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        leases = provider.leases("me", now=CLOCK.now)
        await leases.acquire("k", TTL)
        await leases.release("k")
        assert 0 < await tell(a_valkey, "PTTL", "{wfe}:lease:k") <= 3_900_000
