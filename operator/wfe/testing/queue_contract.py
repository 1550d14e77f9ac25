"""What queues promise, whoever keeps them. Subclass the suite and give it a fixture `world` of this shape.

`queue_processes_contract` has what several processes promise each other.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from wfe.ports.queue import Queue, Taken
from wfe.testing.hand import Hand, PassingTime

CLAIM = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
# Whoever waits for a time waits for as long by the clock on the wall, whichever clock judges.
SOON = timedelta(milliseconds=40)
NEVER_IN_A_TEST = 20
KEYS = [f"k{number}" for number in range(40)]


@dataclass
class World:
    """A queue of several takers.

    `queue()` returns the queue of one more taker; `opened()` connects them.
    """

    queue: Callable[[], Queue]
    opened: Callable[[], AbstractAsyncContextManager[object]]
    time: PassingTime = field(default_factory=Hand)

    async def put(self, *keys: str, after: timedelta = timedelta()) -> None:
        """Put keys, all for the same time from now on."""
        queue = self.queue()
        for key in keys:
            await queue.put(key, self.time.now() + after)

    async def taken(self, limit: int = 10, claim: timedelta = CLAIM) -> list[Taken]:
        """Take as a new taker."""
        return list(await self.queue().take(limit, claim))

    async def the_one(self, claim: timedelta = CLAIM) -> Taken:
        """Take the only key that is due."""
        (one,) = await self.taken(claim=claim)
        return one


def keys_of(taken: Sequence[Taken]) -> list[str]:
    return [one.key for one in taken]


class QueueContract:
    """Each key once, one taker at a time, until somebody is done with it."""

    async def test_what_was_put_is_taken_once(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            assert keys_of(await world.taken()) == ["a"]
            assert await world.taken() == []

    async def test_a_key_is_in_the_queue_at_most_once(self, world: World) -> None:
        async with world.opened():
            await world.put("a", "b", "a", "a")
            assert sorted(keys_of(await world.taken())) == ["a", "b"]

    async def test_what_is_done_is_gone_and_can_be_put_again(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            first = await world.the_one()
            assert await world.queue().done(first)
            await world.time.pass_time(HOUR)
            assert await world.taken() == []
            await world.put("a")
            second = await world.the_one()
            assert second.token != first.token

    async def test_a_key_is_given_out_at_its_time_and_not_before(self, world: World) -> None:
        async with world.opened():
            await world.put("a", after=HOUR)
            await world.time.pass_time(HOUR - SECOND)
            assert await world.taken() == []
            await world.time.pass_time(SECOND)
            assert keys_of(await world.taken()) == ["a"]

    @pytest.mark.parametrize(
        "times",
        [
            pytest.param((HOUR, SECOND), id="the-earlier-last"),
            pytest.param((SECOND, HOUR), id="the-earlier-first"),
        ],
    )
    async def test_of_two_times_the_earlier_counts(
        self, world: World, times: tuple[timedelta, timedelta]
    ) -> None:
        async with world.opened():
            for after in times:
                await world.put("a", after=after)
            assert await world.taken() == []
            await world.time.pass_time(SECOND)
            assert await world.queue().done(await world.the_one())
            await world.time.pass_time(HOUR)
            assert await world.taken() == [], "the later time went with it"

    async def test_the_oldest_time_comes_first_and_no_more_than_asked_for(self, world: World) -> None:
        async with world.opened():
            for key, minutes in {"c": 3, "e": 5, "a": 1, "later": 70, "d": 4, "b": 2}.items():
                await world.put(key, after=timedelta(minutes=minutes))
            await world.time.pass_time(HOUR)
            assert [keys_of(await world.taken(limit)) for limit in (2, 1, 10)] == [
                ["a", "b"],
                ["c"],
                ["d", "e"],
            ]

    async def test_a_silent_takers_key_is_due_again_when_its_claim_runs_out(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            first = await world.the_one()
            await world.time.pass_time(CLAIM - SECOND)
            assert await world.taken() == []
            await world.time.pass_time(SECOND)
            second = await world.the_one()
            assert (second.key, second.token == first.token) == ("a", False)

    async def test_claims_of_several_lengths_run_out_each_at_its_time(self, world: World) -> None:
        async with world.opened():
            await world.put("long")
            await world.taken(claim=HOUR)
            await world.put("short")
            await world.taken(claim=SECOND)
            await world.time.pass_time(SECOND)
            assert keys_of(await world.taken(claim=HOUR)) == ["short"]
            await world.time.pass_time(HOUR - SECOND)
            assert keys_of(await world.taken()) == ["long"]

    async def test_renewing_keeps_a_key(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            for _ in range(3):
                await world.time.pass_time(CLAIM - SECOND)
                assert list(await world.queue().renew([taken], CLAIM)) == []
                assert await world.taken() == []
            assert await world.queue().done(taken)

    async def test_renewing_tells_what_was_lost(self, world: World) -> None:
        async with world.opened():
            await world.put("kept", "due again", "another's", "done")
            mine = {one.key: one for one in await world.taken()}
            await world.queue().renew([mine["kept"]], HOUR)
            await world.time.pass_time(CLAIM)
            await world.put("another's", after=-HOUR)
            theirs = {one.key: one for one in await world.taken()}
            assert set(theirs) == {"due again", "another's", "done"}
            await world.queue().done(theirs["done"])
            await world.queue().renew([theirs["due again"]], SECOND)
            await world.time.pass_time(SECOND)
            lost = await world.queue().renew(list(mine.values()), CLAIM)
            assert sorted(keys_of(lost)) == ["another's", "done", "due again"]
            assert list(await world.queue().renew([theirs["another's"]], CLAIM)) == []
            assert list(await world.queue().renew([theirs["due again"]], CLAIM)) == [theirs["due again"]]

    async def test_a_key_that_was_renewed_twice_at_once_is_given_out_once(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            await world.queue().renew([taken, taken], CLAIM)
            await world.time.pass_time(CLAIM)
            assert keys_of(await world.taken()) == ["a"]

    async def test_renewing_nothing_loses_nothing(self, world: World) -> None:
        async with world.opened():
            assert list(await world.queue().renew([], CLAIM)) == []

    async def test_an_old_token_ends_nothing(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            old = await world.the_one()
            await world.time.pass_time(CLAIM)
            new = await world.the_one()
            assert await world.queue().done(old) is False
            assert list(await world.queue().renew([new], CLAIM)) == [], "it is still taken"
            assert await world.queue().done(new) is True
            assert await world.queue().done(new) is False
            await world.put("a")
            assert await world.queue().done(new) is False
            assert keys_of(await world.taken()) == ["a"]

    async def test_a_claim_that_ran_out_can_be_ended_while_nobody_took_the_key(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            await world.time.pass_time(CLAIM)
            assert await world.queue().done(taken) is True
            assert await world.taken() == []

    async def test_what_is_put_while_it_is_taken_has_a_second_life(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            await world.put("a")
            assert await world.taken() == [], "one taker at a time has it"
            assert await world.queue().done(taken)
            assert await world.queue().done(await world.the_one())
            assert await world.taken() == []

    async def test_the_second_life_begins_at_the_earliest_time_it_was_put_for(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            for minutes in (50, 30, 40):
                await world.put("a", after=timedelta(minutes=minutes))
            await world.queue().done(taken)
            await world.time.pass_time(timedelta(minutes=30) - SECOND)
            assert await world.taken() == []
            await world.time.pass_time(SECOND)
            assert await world.queue().done(await world.the_one())
            await world.time.pass_time(HOUR)
            assert await world.taken() == []

    async def test_a_renewal_leaves_the_second_life(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            await world.put("a")
            await world.queue().renew([taken], HOUR)
            await world.queue().done(taken)
            assert keys_of(await world.taken()) == ["a"]

    async def test_whoever_takes_over_answers_what_was_put_before(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            await world.the_one()
            await world.put("a")
            await world.time.pass_time(CLAIM)
            assert await world.queue().done(await world.the_one())
            assert await world.taken() == []

    async def test_a_second_life_in_the_future_outlives_the_taker(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            await world.the_one()
            await world.put("a", after=HOUR)
            await world.time.pass_time(CLAIM)
            assert await world.queue().done(await world.the_one())
            assert await world.taken() == []
            await world.time.pass_time(HOUR)
            assert keys_of(await world.taken()) == ["a"]

    async def test_two_takers_never_get_the_same_key(self, world: World) -> None:
        async with world.opened():
            await world.put(*KEYS)
            takers = [world.taken(3) for _ in range(20)]
            taken = [key for keys in await asyncio.gather(*takers) for key in keys_of(keys)]
            assert sorted(taken) == sorted(KEYS)

    async def test_of_those_who_end_a_claim_one_is_told_so(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            taken = await world.the_one()
            ended = await asyncio.gather(*(world.queue().done(taken) for _ in range(10)))
            assert sorted(ended) == [False] * 9 + [True]

    async def test_any_text_can_be_a_key(self, world: World) -> None:
        odd = ["", " ", "a:b/{c}\n", "ключ 😀", "*", "0"]
        async with world.opened():
            await world.put(*odd)
            taken = await world.taken()
            assert sorted(keys_of(taken)) == sorted(odd)
            assert list(await world.queue().renew(taken, CLAIM)) == []
            assert [await world.queue().done(one) for one in taken] == [True] * len(odd)


class QueueWaitingContract:
    """Who waits wakes when there may be something to take, and sleeps otherwise."""

    async def test_waiting_ends_at_its_time(self, world: World) -> None:
        async with world.opened(), asyncio.timeout(NEVER_IN_A_TEST):
            await world.put("later", after=HOUR)
            await world.queue().wait(world.time.now() + SOON)
            await world.queue().wait(world.time.now() - SECOND)

    async def test_nobody_waits_for_what_is_due(self, world: World) -> None:
        async with world.opened(), asyncio.timeout(NEVER_IN_A_TEST):
            await world.put("a")
            await world.queue().wait(world.time.now() + HOUR)
            assert keys_of(await world.taken()) == ["a"]

    async def test_waiting_ends_when_a_time_comes(self, world: World) -> None:
        async with world.opened(), asyncio.timeout(NEVER_IN_A_TEST):
            await world.put("a", after=SOON)
            await world.queue().wait(world.time.now() + HOUR)
            await world.time.pass_time(SOON)
            assert keys_of(await world.taken()) == ["a"]

    async def test_waiting_ends_when_a_claim_runs_out(self, world: World) -> None:
        async with world.opened(), asyncio.timeout(NEVER_IN_A_TEST):
            await world.put("a")
            await world.the_one(claim=SOON)
            await world.queue().wait(world.time.now() + HOUR)
            await world.time.pass_time(SOON)
            assert keys_of(await world.taken()) == ["a"]

    @pytest.mark.parametrize("after", [pytest.param(timedelta(), id="now"), pytest.param(SOON, id="soon")])
    async def test_another_takers_put_wakes_all_who_wait(self, world: World, after: timedelta) -> None:
        async with world.opened(), asyncio.timeout(NEVER_IN_A_TEST):
            await world.put("later", after=HOUR)
            waiting = [
                asyncio.create_task(world.queue().wait(world.time.now() + timedelta(days=1)))
                for _ in range(2)
            ]
            await asyncio.sleep(0.01)  # they have begun, or have not: both is fine
            await world.put("a", after=after)
            await asyncio.gather(*waiting)
            await world.time.pass_time(after)
            assert keys_of(await world.taken()) == ["a"]

    async def test_the_end_of_work_wakes_who_waits_for_the_second_life(self, world: World) -> None:
        async with world.opened(), asyncio.timeout(NEVER_IN_A_TEST):
            await world.put("a")
            taken = await world.the_one()
            await world.put("a")
            waiting = asyncio.create_task(world.queue().wait(world.time.now() + HOUR))
            await asyncio.sleep(0.01)
            await world.queue().done(taken)
            await waiting
            assert keys_of(await world.taken()) == ["a"]

    async def test_what_is_taken_or_later_wakes_nobody(self, world: World) -> None:
        async with world.opened():
            await world.put("a")
            await world.the_one(claim=HOUR)
            await world.put("a")
            await world.put("b", after=HOUR)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await world.queue().wait(world.time.now() + HOUR)
