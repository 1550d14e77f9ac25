"""What is asked for while a group is under way makes the next one; each answer is its own."""

import asyncio
from collections.abc import Sequence

import pytest

from wfe.errors import NotFound, StoreUnavailable
from wfe.providers.postgres.errors import InTheWay
from wfe.providers.postgres.groups import MOST, Groups


class Table:
    """Carries out jobs when told to; a job is `<key><word>`, and some words are wrong."""

    def __init__(self, *errors: Exception) -> None:
        self.seen: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.errors = list(errors)

    async def perform(self, jobs: Sequence[str]) -> Sequence[str | Exception]:
        self.seen.append(list(jobs))
        await self.go_on.wait()
        if self.errors:
            raise self.errors.pop(0)
        if len(jobs) > 1 and any("bad" in job for job in jobs):
            raise ValueError("there is a bad one")
        return [
            NotFound(job) if "unknown" in job else ValueError(job) if "bad" in job else job.upper()
            for job in jobs
        ]


def groups_of(table: Table) -> Groups[str, str]:
    return Groups(table.perform, key=lambda job: job[0])


async def answers(groups: Groups[str, str], *jobs: str) -> list[str]:
    found = await asyncio.gather(*map(groups.do, jobs), return_exceptions=True)
    return [one if isinstance(one, str) else type(one).__name__ for one in found]


async def test_one_turn_is_one_group() -> None:
    table = Table()
    assert await answers(groups_of(table), "a", "b", "c") == ["A", "B", "C"]
    assert table.seen == [["a", "b", "c"]]


async def test_what_comes_meanwhile_is_the_next_group() -> None:
    table = Table()
    groups = groups_of(table)
    table.go_on.clear()
    first = asyncio.create_task(answers(groups, "a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = asyncio.create_task(answers(groups, "b", "c"))
    await asyncio.sleep(0)
    table.go_on.set()
    assert (await first, await rest) == (["A"], ["B", "C"])
    assert table.seen == [["a"], ["b", "c"]]


async def test_of_one_key_each_finds_what_the_one_before_has_left() -> None:
    table = Table()
    await answers(groups_of(table), "a1", "b1", "a2", "a3", "b2")
    assert table.seen == [["a1", "b1"], ["a2"], ["a3", "b2"]], "in the order in which they were asked for"


async def test_a_group_has_an_end() -> None:
    table = Table()
    groups = Groups(table.perform)
    await answers(groups, *(f"{number} {'x' * number}" for number in range(MOST + 1)))
    assert [len(jobs) for jobs in table.seen] == [MOST, 1]


async def test_an_answer_that_is_an_error_is_its_jobs_alone() -> None:
    assert await answers(groups_of(Table()), "a", "b unknown", "c") == ["A", "NotFound", "C"]


async def test_a_group_that_fails_for_one_is_tried_one_by_one() -> None:
    table = Table()
    assert await answers(groups_of(table), "a", "b bad", "c") == ["A", "ValueError", "C"]
    assert table.seen == [["a", "b bad", "c"], ["a"], ["b bad"], ["c"]]


@pytest.mark.parametrize(
    ("error", "said", "groups"),
    [
        pytest.param(StoreUnavailable("away"), ["StoreUnavailable"] * 2, 1, id="the-server-is-away"),
        pytest.param(InTheWay("deadlock"), ["A", "B"], 3, id="two-groups-in-each-others-way"),
    ],
)
async def test_an_error_of_the_server(error: Exception, said: list[str], groups: int) -> None:
    table = Table(error)
    assert await answers(groups_of(table), "a", "b") == said
    assert len(table.seen) == groups


async def test_a_caller_that_is_cancelled_disturbs_nobody() -> None:
    table = Table()
    groups = groups_of(table)
    table.go_on.clear()
    lost = asyncio.create_task(groups.do("a"))
    kept = asyncio.create_task(groups.do("b"))
    await asyncio.sleep(0)
    lost.cancel()
    table.go_on.set()
    assert await kept == "B"
    assert table.seen == [["a", "b"]]


async def test_finishing_waits_for_all_that_was_asked_for() -> None:
    table = Table()
    groups = groups_of(table)
    asked = [asyncio.ensure_future(groups.do(job)) for job in ("a1", "a2", "a3")]
    await asyncio.sleep(0)
    await groups.finish()
    assert table.seen == [["a1"], ["a2"], ["a3"]]
    assert await asyncio.gather(*asked) == ["A1", "A2", "A3"]
