"""Leases and the queue on a server that is emptied, killed or paused: time is lost, and no more."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.servers import OwnServer
from tests.integration.valkey.provider import CLOCK, DAY, TTL, opened, persistently, take_one, tell
from wfe.errors import StoreUnavailable
from wfe.providers.valkey import from_url

pytestmark = pytest.mark.integration


async def test_a_killed_server_comes_back_with_all_that_it_answered(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        leases, queue = provider.leases("me", now=CLOCK.now), provider.queue(now=CLOCK.now)
        token = await leases.acquire("k", TTL)
        await queue.put("taken", CLOCK.now())
        taken = await take_one(provider)
        await queue.put("later", CLOCK.now() + DAY)
        a_valkey.kill()
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await queue.put("lost", CLOCK.now())
        await asyncio.to_thread(a_valkey.start)
        assert await leases.renew(TTL) == []
        assert await leases.acquire("k", TTL) == token
        assert await queue.renew([taken], TTL) == []
        assert await queue.done(taken)
        assert await queue.take(10, TTL) == [], (
            "what is later is still later, and what was refused is not there"
        )


async def test_a_short_restart_is_not_noticed(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        queue = provider.queue(now=CLOCK.now)
        await queue.put("a", CLOCK.now())
        a_valkey.kill()
        starting = asyncio.create_task(asyncio.to_thread(a_valkey.start))
        assert (await persistently(lambda: take_one(provider))).key == "a"
        await starting


async def test_who_waits_while_the_server_restarts_hears_of_what_comes(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider, opened(a_valkey.url) as other, asyncio.timeout(240):
        waiting = asyncio.create_task(
            persistently(lambda: provider.queue(now=CLOCK.now).wait(CLOCK.now() + DAY))
        )
        await asyncio.sleep(0.05)
        a_valkey.kill()
        await asyncio.to_thread(a_valkey.start)
        await persistently(lambda: other.queue(now=CLOCK.now).put("a", CLOCK.now()))
        await waiting


@pytest.mark.parametrize("restarted", [False, True], ids=["emptied", "restarted-without-its-data"])
async def test_after_an_emptied_server_leases_are_lost_and_tokens_still_grow(
    a_valkey: OwnServer, restarted: bool
) -> None:
    async with opened(a_valkey.url) as one, opened(a_valkey.url) as other:
        mine, yours = one.leases("me", now=CLOCK.now), other.leases("you", now=CLOCK.now)
        first = await mine.acquire("a", TTL)
        await mine.acquire("b", TTL)
        await tell(a_valkey, "FLUSHALL")
        if restarted:
            await asyncio.to_thread(a_valkey.restart)
        second = await yours.acquire("a", TTL)
        assert first is not None
        assert second is not None
        assert second > first, "who holds it now is told from who believes to"
        assert sorted(await mine.renew(TTL)) == ["a", "b"], "of `b` nobody knows who had it meanwhile"
        assert await mine.acquire("a", TTL) is None
        assert await mine.acquire("b", TTL) is not None


async def test_an_emptied_server_has_forgotten_claims_and_takes_new_keys(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        queue = provider.queue(now=CLOCK.now)
        await queue.put("a", CLOCK.now())
        taken = await take_one(provider)
        await tell(a_valkey, "FLUSHALL")
        assert await queue.renew([taken], TTL) == [taken]
        assert await queue.done(taken) is False
        assert await queue.take(10, TTL) == []
        await queue.put("a", CLOCK.now())
        again = await take_one(provider)
        assert await queue.done(taken) is False
        assert await queue.done(again) is True


@pytest.mark.parametrize("part", ["times", "again", "taken", "claims", "bell"])
async def test_a_part_that_is_lost_costs_no_more_than_the_whole(a_valkey: OwnServer, part: str) -> None:
    """A server that is full may throw away any key, whatever the others say of it."""
    async with opened(a_valkey.url) as provider:
        queue = provider.queue(now=CLOCK.now)
        await queue.put("waits", CLOCK.now())
        await queue.put("taken", CLOCK.now())
        waits, taken = await queue.take(2, timedelta(milliseconds=1))
        await queue.done(waits)
        for key in ("waits", "taken"):
            await queue.put(key, CLOCK.now())
        await tell(a_valkey, "DEL", f"{{wfe}}:queue:{part}")
        found: set[str] = set()
        for key in ("waits", "taken"):
            await queue.put(key, CLOCK.now())
        async with asyncio.timeout(240):
            while found != {"waits", "taken"}:
                await queue.wait(CLOCK.now() + TTL)
                for one in await queue.take(10, TTL):
                    found.add(one.key)
                    assert await queue.done(one)
        assert await queue.done(taken) is False
        await queue.put("new", CLOCK.now())
        assert "new" in {one.key for one in await queue.take(10, TTL)}


async def test_scripts_that_the_server_forgot_are_loaded_again(a_valkey: OwnServer) -> None:
    async with opened(a_valkey.url) as provider:
        queue = provider.queue(now=CLOCK.now)
        await queue.put("a", CLOCK.now())
        await tell(a_valkey, "SCRIPT", "FLUSH")
        assert (await take_one(provider)).key == "a"


async def test_a_paused_server_is_given_up_in_time_and_used_again(a_valkey: OwnServer) -> None:
    async with opened(f"{a_valkey.url}?timeout=0.3") as provider:
        leases, queue = provider.leases("me", now=CLOCK.now), provider.queue(now=CLOCK.now)
        token = await leases.acquire("k", TTL)
        a_valkey.pause()
        async with asyncio.timeout(240):
            with pytest.raises(StoreUnavailable, match="does not answer in time"):
                await leases.renew(TTL)
            with pytest.raises(StoreUnavailable, match="does not answer in time"):
                await queue.wait(CLOCK.now() + TTL)
            with pytest.raises(StoreUnavailable, match="does not answer in time"):
                await from_url(f"{a_valkey.url}?timeout=0.3").open()
        a_valkey.resume()
        assert await leases.acquire("k", TTL) == token
        await queue.put("a", CLOCK.now())
        assert (await take_one(provider)).key == "a"


async def test_a_server_that_is_not_there_may_come(a_valkey: OwnServer) -> None:
    a_valkey.kill()
    provider = from_url(a_valkey.url)
    with pytest.raises(StoreUnavailable, match=r"cannot be reached .* see whether it runs"):
        await provider.open()
    with pytest.raises(StoreUnavailable, match=r"is not connected; call `open\(\)` first"):
        await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
    await asyncio.to_thread(a_valkey.start)
    await provider.open()
    await provider.open()
    await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
    await provider.close()
    await provider.close()
