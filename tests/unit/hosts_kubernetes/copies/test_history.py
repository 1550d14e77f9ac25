"""Whatever happens on the way, the history has in the end what the objects have, and every visit that has ended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.unit.hosts_kubernetes.copies.mirrors import Mirror, Objects
from tests.unit.runtime.site import virtually
from wfe.hosts.kubernetes.copies import pending
from wfe.hosts.kubernetes.copies.history import History
from wfe.hosts.kubernetes.copies.pending import Source
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.status import InstanceStatus
from wfe.testing.builders import NOON, a_record, an_instance
from wfe.testing.fakes import FakeClock

SECOND = timedelta(seconds=1)


class World:
    """A history, the mirror it goes to, and the objects that it is of."""

    def __init__(self, **options: timedelta) -> None:
        self.mirror = Mirror()
        self.objects = Objects()
        self.options = options
        self.history = self._made()

    def _made(self) -> History:
        return History(self.mirror, self.objects, FakeClock(), **self.options)

    def save(self, name: str, *, heard: bool = True) -> None:
        """Save the next revision of an instance, in which a step ends."""
        before = self.objects.kept.get(name)
        revision = before[0].revision + 1 if before else 1
        instance = an_instance(name, revision=revision)()
        decision = Decision(instance=instance, records=(a_record(revision),))
        self.objects.save(decision)
        if heard:
            self.history.saved(Source("n", name), decision)

    def saves(self, *names: str) -> None:
        for name in names:
            self.save(name)

    async def differences(self) -> list[str]:
        return await self.objects.differences(self.mirror)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send for as long as the block lasts; what is in memory then is lost."""
        task = asyncio.create_task(self.history.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.history = self._made()


@virtually
async def test_saves_arrive_as_they_are_heard_of_and_nothing_is_read_again() -> None:
    world = World()
    async with world.sending():
        for _ in range(5):
            world.saves("a", "b")
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        assert await world.differences() == []
        assert world.objects.reads == 0
        assert world.history.lag().waiting == 0
        assert len(world.mirror.puts) < 5


async def _away(world: World) -> None:
    world.mirror.away = True
    await asyncio.sleep(600)
    world.saves("a", "b", "c")
    await asyncio.sleep(60)
    world.mirror.away = False


async def _emptied(world: World) -> None:
    world.mirror.empty()


async def _dropped(world: World) -> None:
    world.mirror.drop()


async def _lost_answer(world: World) -> None:
    world.mirror.lost_answers = 1


async def _emptied_while_away(world: World) -> None:
    world.mirror.away = True
    world.save("a")
    await asyncio.sleep(1)
    world.mirror.empty()
    world.mirror.away = False


async def _unheard(world: World) -> None:
    world.save("a", heard=False)
    world.save("b", heard=False)


async def _a_gap_on_the_way(world: World) -> None:
    world.save("a")
    world.save("a", heard=False)
    world.save("a")


@pytest.mark.parametrize(
    "mishap", [_away, _emptied, _dropped, _lost_answer, _emptied_while_away, _unheard, _a_gap_on_the_way]
)
def test_what_is_saved_after_a_mishap_is_whole(mishap: Callable[[World], object]) -> None:
    @virtually
    async def play() -> None:
        world = World()
        async with world.sending():
            world.saves("a", "b")
            await asyncio.sleep(1)
            await mishap(world)  # type: ignore[misc]  # a coroutine function of the table
            world.saves("a", "b")
            await asyncio.sleep(10)
            assert await world.differences() == []

    play()


@virtually
async def test_a_process_that_dies_between_save_and_put_leaves_no_gap() -> None:
    world = World()
    async with world.sending():
        world.save("a")
        await asyncio.sleep(1)
        world.mirror.away = True
        world.save("a")
        await asyncio.sleep(1)
    world.mirror.away = False
    async with world.sending():
        assert await world.differences() != []
        world.save("a")
        await asyncio.sleep(1)
        assert await world.differences() == []


@virtually
async def test_two_replicas_that_take_turns_leave_no_gap() -> None:
    world = World()
    other = world._made()
    others = asyncio.create_task(other.run())
    async with world.sending():
        for turn in range(6):
            mine, world.history = world.history, other
            world.save("a")
            other, world.history = world.history, mine
            world.save("a")
            await asyncio.sleep(0.03 * turn)
        await asyncio.sleep(1)
        assert await world.differences() == []
    others.cancel()
    await asyncio.gather(others, return_exceptions=True)


@virtually
async def test_what_does_not_fit_in_memory_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST_INSTANCES", 3)
    world = World()
    names = [f"i{number}" for number in range(50)]
    async with world.sending():
        await asyncio.sleep(0)
        world.mirror.away = True
        world.saves(*names)
        world.saves(*names)
        assert len(world.history._pending.saves) == 3
        assert world.history.lag().waiting == 50
        world.mirror.away = False
        await asyncio.sleep(30)
        assert await world.differences() == []


@virtually
async def test_one_that_can_never_be_stored_keeps_back_no_other() -> None:
    world = World()
    world.mirror.refused.add("bad")
    async with world.sending():
        world.saves("a", "bad", "b")
        await asyncio.sleep(1)
        assert await world.differences() == ["bad: None instead of 1", "bad: other steps"]
        assert world.history.lag().refused == 1
        assert world.history.lag().trouble == ""


@virtually
async def test_what_waits_is_measured_and_told() -> None:
    world = World()
    world.mirror.away = True
    async with world.sending():
        world.save("a")
        await asyncio.sleep(60)
        lag = world.history.lag()
        assert (lag.waiting, lag.trouble) == (1, "the mirror is away")
        assert lag.behind >= 50 * SECOND


@virtually
async def test_the_end_of_an_instance_is_waited_for_but_not_while_the_mirror_is_away() -> None:
    world = World()
    async with world.sending():
        world.save("a")
        assert await world.history.has("a", 1, within=2 * SECOND)
        assert not await world.history.has("a", 2, within=2 * SECOND)
        world.mirror.away = True
        world.save("a")
        await asyncio.sleep(1)
        began = world.history.clock.now()
        assert not await world.history.has("a", 2, within=2 * SECOND)
        assert world.history.clock.now() == began


@virtually
async def test_events_arrive_once_and_in_their_order() -> None:
    world = World()
    world.mirror.away = True
    async with world.sending():
        for number in (2, 1, 2):
            world.history.published(
                "n", Event(sequence=number, name="e", key="k", payload=number, published_at=NOON)
            )
        await asyncio.sleep(1)
        world.mirror.away = False
        await asyncio.sleep(10)
        assert [event.sequence for event in await world.mirror.events("n", "e", "k")] == [1, 2]


@virtually
async def test_old_ends_are_purged_and_what_has_not_ended_stays() -> None:
    world = World(keep=timedelta(hours=1))
    ended = an_instance("old", revision=1).with_status(InstanceStatus.COMPLETE)()
    async with world.sending():
        world.history.saved(Source("n", "old"), Decision(instance=ended))
        world.save("runs")
        await asyncio.sleep(1)
        assert set(await world.mirror.revisions(["old", "runs"])) == {"old", "runs"}
        await asyncio.sleep(2 * 3600)
        assert set(await world.mirror.revisions(["old", "runs"])) == {"runs"}


@virtually
async def test_closing_sends_what_is_on_its_way() -> None:
    world = World()
    history = world.history
    async with world.sending():
        await asyncio.sleep(0.01)
        world.save("a")
    await history.close(SECOND)
    assert await world.differences() == []
