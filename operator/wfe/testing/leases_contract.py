"""What leases promise, whoever keeps them. Subclass the suite and give it a fixture `world` of this shape."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

from wfe.ports.leases import Leases
from wfe.testing.hand import Hand, PassingTime

TTL = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@dataclass
class World:
    """Leases of several holders on one set of keys.

    `leases(holder)` returns the leases of that holder, at every call a new object; `opened()` connects them.
    """

    leases: Callable[[str], Leases]
    opened: Callable[[], AbstractAsyncContextManager[object]]
    time: PassingTime = field(default_factory=Hand)


class LeasesContract:
    """One live holder a key, tokens that only grow."""

    async def test_a_lease_has_one_holder(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            assert await mine.acquire("shard/1", TTL) is not None
            assert await yours.acquire("shard/1", TTL) is None
            assert await yours.acquire("shard/2", TTL) is not None
            assert [await yours.holder(f"shard/{number}") for number in (1, 2, 3)] == ["me", "you", None]

    async def test_acquiring_again_extends_and_keeps_the_token(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            first = await mine.acquire("k", TTL)
            await world.time.pass_time(TTL - SECOND)
            assert await mine.acquire("k", TTL) == first
            await world.time.pass_time(TTL - SECOND)
            assert await yours.acquire("k", TTL) is None

    async def test_a_lease_ends_with_its_time(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            first = await mine.acquire("k", TTL)
            await world.time.pass_time(TTL)
            assert await mine.holder("k") is None
            second = await yours.acquire("k", TTL)
            assert first is not None
            assert second is not None
            assert second > first

    async def test_tokens_grow_through_release_and_expiry(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            tokens = []
            for leases in (mine, yours, mine, mine, yours):
                tokens.append(await leases.acquire("k", TTL))
                await leases.release("k")
            tokens.append(await mine.acquire("k", TTL))
            await world.time.pass_time(TTL)
            tokens.append(await mine.acquire("k", TTL))
            assert tokens == sorted({token for token in tokens if token is not None})

    async def test_a_released_lease_is_free_at_once(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            await mine.acquire("k", TTL)
            await mine.release("k")
            assert await mine.holder("k") is None
            assert await yours.acquire("k", TTL) is not None

    async def test_releasing_what_is_anothers_does_nothing(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            await mine.acquire("k", TTL)
            await yours.release("k")
            await yours.release("nothing")
            assert await yours.holder("k") == "me"

    async def test_the_holders_of_what_begins_so_are_told(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            for key in ("m/1", "m/2", "m%/3", "n/1", "M/1"):
                await mine.acquire(key, TTL)
            for key in ("m/3", "m/\U0001f600", "m", "m/_", "m/4"):
                await yours.acquire(key, TTL)
            await mine.release("m/2")
            assert await yours.holders("m/") == {
                "m/1": "me",
                "m/3": "you",
                "m/\U0001f600": "you",
                "m/_": "you",
                "m/4": "you",
            }
            assert await yours.holders("m/_") == {"m/_": "you"}
            await world.time.pass_time(TTL - SECOND)
            await yours.renew(TTL)
            await yours.release("m/4")
            await world.time.pass_time(SECOND)
            assert set(await mine.holders("m/")) == {"m/3", "m/\U0001f600", "m/_"}
            assert await mine.holders("x") == {}

    async def test_renewing_extends_all_that_is_held(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            for key in ("a", "b", "c"):
                await mine.acquire(key, TTL)
            await mine.release("c")
            await world.time.pass_time(TTL - SECOND)
            assert list(await mine.renew(TTL)) == []
            await world.time.pass_time(TTL - SECOND)
            assert [await yours.acquire(key, TTL) is not None for key in ("a", "b", "c")] == [
                False,
                False,
                True,
            ]

    async def test_renewing_tells_once_what_another_has_taken(self, world: World) -> None:
        async with world.opened():
            mine, yours = world.leases("me"), world.leases("you")
            for key in ("a", "b", "c", "d"):
                await mine.acquire(key, TTL)
            await world.time.pass_time(TTL)
            for key in ("a", "c"):
                await yours.acquire(key, TTL)
            await yours.release("c")
            assert sorted(await mine.renew(TTL)) == ["a", "c"]
            assert list(await mine.renew(TTL)) == []
            assert [await mine.holder(key) for key in ("a", "b", "c", "d")] == ["you", "me", None, "me"]

    async def test_of_holders_that_race_one_wins(self, world: World) -> None:
        async with world.opened():
            racing = [world.leases(f"holder {number}").acquire("k", TTL) for number in range(20)]
            assert len([token for token in await asyncio.gather(*racing) if token is not None]) == 1
