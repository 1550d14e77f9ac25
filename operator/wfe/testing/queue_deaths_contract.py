"""Whoever dies, every key is worked on after it was put.

Subclass the suite and give it the `world` of `queue_contract`. A play is a random course of puts, takes, ends,
renewals, deaths and time, told by its seed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

import pytest

from wfe.ports.queue import Queue, Taken
from wfe.testing.queue_contract import World

SEEDS: Final = range(5)
STEPS: Final = 250
TAKERS: Final = 4
KEYS: Final = [f"k{number}" for number in range(12)]
CLAIM: Final = timedelta(seconds=60)
# No sum of these comes near the end of a claim, so that a slow test on a server's clock judges the same.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (25, 50, 100))
DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (-1, 0, 0, 0, 2, 5))
DAY: Final = timedelta(days=1)


@dataclass
class Taker:
    """Somebody who takes keys, and may die with them."""

    queue: Queue
    held: list[Taken] = field(default_factory=list)


@dataclass
class Play:
    """A course of things that happen, and what must be true of it.

    `put_at` and `worked_at` have the steps of the last put of each key, and of the last take that was worked on.
    `claims` has the end of the claim that counts, of each key that is taken.
    """

    world: World
    random: Random
    step: int = 0
    elapsed: timedelta = timedelta()
    takers: list[Taker] = field(default_factory=list)
    put_at: dict[str, int] = field(default_factory=dict)
    taken_at: dict[Taken, int] = field(default_factory=dict)
    worked_at: dict[str, int] = field(default_factory=dict)
    claims: dict[str, tuple[Taken, timedelta]] = field(default_factory=dict)

    async def run(self) -> None:
        self.takers = [Taker(self.world.queue()) for _ in range(TAKERS)]
        events: list[Callable[[], Awaitable[None]]] = [
            *[self.put] * 4,
            *[self.take] * 4,
            *[self.end] * 3,
            self.take_at_once,
            self.renew,
            self.die,
            self.pause,
        ]
        for self.step in range(STEPS):
            await self.random.choice(events)()
        await self.finish()

    async def put(self) -> None:
        key = self.random.choice(KEYS)
        self.put_at[key] = self.step
        await self.world.put(key, after=self.random.choice(DELAYS))

    async def take(self) -> None:
        await self._take(self.random.choice(self.takers))

    async def take_at_once(self) -> None:
        await asyncio.gather(*(self._take(taker) for taker in self.takers))

    async def _take(self, taker: Taker) -> bool:
        taken = await taker.queue.take(self.random.randint(1, 3), CLAIM)
        for one in taken:
            other, until = self.claims.get(one.key, (one, self.elapsed))
            assert until <= self.elapsed, f"`{one.key}` was given out while {other} held it"
            self.taken_at[one] = self.step
            self.claims[one.key] = (one, self.elapsed + CLAIM)
        taker.held += taken
        return bool(taken)

    async def end(self) -> None:
        taker = self.random.choice(self.takers)
        if taker.held:
            await self._end(taker, self.random.choice(taker.held))

    async def _end(self, taker: Taker, taken: Taken) -> None:
        taker.held.remove(taken)
        holder, _ = self.claims.get(taken.key, (None, self.elapsed))
        ended = await taker.queue.done(taken)
        assert ended == (holder == taken), "whoever holds a key ends the work on it, and nobody else"
        if ended:
            del self.claims[taken.key]
            self.worked_at[taken.key] = max(self.taken_at[taken], self.worked_at.get(taken.key, -1))

    async def renew(self) -> None:
        taker = self.random.choice(self.takers)
        lost = set(await taker.queue.renew(taker.held, CLAIM))
        kept = [one for one in taker.held if one not in lost]
        alive = [one for one in taker.held if self.claims.get(one.key, (one, timedelta()))[1] > self.elapsed]
        assert kept == [one for one in alive if self.claims[one.key][0] == one]
        for one in kept:
            self.claims[one.key] = (one, self.elapsed + CLAIM)
        taker.held = kept

    async def die(self) -> None:
        number = self.random.randrange(TAKERS)
        self.takers[number] = Taker(self.world.queue())

    async def pause(self) -> None:
        await self._pass(self.random.choice(PAUSES))

    async def finish(self) -> None:
        """Let everybody die but one, who works on whatever is due until nothing comes any more."""
        last = Taker(self.world.queue())
        for self.step in range(STEPS, STEPS + 3):
            await self._pass(DAY)
            while await self._take(last):
                for taken in list(last.held):
                    await self._end(last, taken)
        late = {key: step for key, step in self.put_at.items() if self.worked_at.get(key, -1) < step}
        assert late == {}, "nobody worked on these after they were put"

    async def _pass(self, by: timedelta) -> None:
        await self.world.time.pass_time(by)
        self.elapsed += by


class QueueDeathsContract:
    """Takers that die lose nothing, and share nothing."""

    @pytest.mark.parametrize("seed", SEEDS)
    async def test_whoever_dies_every_key_is_worked_on_after_it_was_put(
        self, world: World, seed: int
    ) -> None:
        async with world.opened():
            await Play(world, Random(seed)).run()  # noqa: S311 (it is to be the same again)
