"""The limit, kills, incarnations."""

import asyncio

import pytest

from tests.unit.engine.nodes import graph, par, task
from tests.unit.runtime.site import Site, settled, virtually
from wfe.errors import Permanent
from wfe.graph.graph import Graph
from wfe.model.commands import StartTask
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import CancelRequested
from wfe.model.task import Task
from wfe.runtime.turns import Turns
from wfe.testing.fakes import FakeExecutor

SIX = graph(par("p", *(task(f"t{number}") for number in range(6))))


@virtually
async def test_no_more_tasks_run_at_once_than_the_limit() -> None:
    site = Site(executor=FakeExecutor(obliging=True), limit=2)
    await site.start(SIX)
    assert (await site.runtime.wait("i")).status == "Complete"
    assert site.executor.most_at_once == 2
    assert site.executor.starts.total() == 6


@virtually
async def test_a_task_that_waits_for_its_turn_can_be_killed_and_never_starts() -> None:
    site = Site(limit=2)
    await site.start(SIX)
    await settled()
    await site.runtime.signal("i", CancelRequested())
    assert (await site.runtime.wait("i")).status == "Terminated"
    assert site.executor.starts == {"p/t0": 1, "p/t1": 1}
    assert sorted(site.executor.killed) == [f"p/t{number}" for number in range(6)]


@virtually
async def test_an_attempt_of_another_incarnation_is_lost_and_never_sent() -> None:
    site = Site()
    await site.start(graph(task("a")))
    await settled()
    await site.runtime.close()
    later = site.another(executor=FakeExecutor(incarnation="elsewhere"))
    await later.runtime.recover("i")
    await settled()
    assert later.executor.starts == {}
    await asyncio.sleep(2)
    assert later.executor.starts == {"a": 1}
    later.executor.ends("i", "a", 2)
    ended = await later.runtime.wait("i")
    [record] = await later.store.history("i")
    assert ended.status == "Complete"
    assert [attempt.outcome for attempt in record.attempt_records] == ["Lost", "Complete"]


@virtually
async def test_a_step_that_cannot_be_planned_fails_and_says_why() -> None:
    def refuse(graph: Graph, instance: Instance, command: StartTask) -> Task:
        raise Permanent("no such type")

    site = Site()
    site.tasks.plan = refuse
    await site.start(graph(task("a")))
    ended = await site.runtime.wait("i")
    assert ended.status == "Failed"
    assert "no such type" in str(ended.failure)


def key(number: int) -> AttemptKey:
    return AttemptKey("i", f"t{number}", 1)


@virtually
async def test_turns_come_in_order_and_one_that_was_cancelled_is_passed_over() -> None:
    turns = Turns(1)
    assert await turns.take(key(0))
    waiting = [asyncio.create_task(turns.take(key(number))) for number in (1, 2, 3)]
    await settled()
    waiting[0].cancel()
    turns.give_back()
    assert await waiting[1]
    assert not waiting[2].done()
    turns.give_back()
    assert await waiting[2]


@virtually
async def test_a_turn_that_was_handed_over_as_its_owner_is_cancelled_is_not_lost() -> None:
    turns = Turns(1)
    await turns.take(key(0))
    waiting = asyncio.create_task(turns.take(key(1)))
    await settled()
    turns.give_back()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.wait_for(turns.take(key(2)), 1)


@virtually
async def test_who_is_hurried_goes_on_without_a_turn() -> None:
    turns = Turns(1)
    await turns.take(key(0))
    waiting = asyncio.create_task(turns.take(key(1)))
    await settled()
    turns.hurry(key(1))
    assert not await waiting
