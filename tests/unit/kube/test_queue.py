"""The work queue, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from tests.unit.runtime.site import virtually
from wfe.kube import WorkQueue

Work = Callable[[str], Awaitable[float | None]]


class Working:
    """Workers on a queue, for as long as the block lasts."""

    def __init__(self, queue: WorkQueue[str], work: Work, *, workers: int = 2) -> None:
        self._running = asyncio.create_task(queue.run(work, workers=workers))

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


class Worker:
    """Notes when it worked on which key, and how many worked at once; a key listed in `fails` fails that often."""

    def __init__(self, *, seconds: float = 0.0, again: float | None = None, fails: int = 0) -> None:
        self.done: list[tuple[str, float]] = []
        self.at_once = self.most_at_once = 0
        self.seconds, self.again, self.fails = seconds, again, fails

    async def __call__(self, key: str) -> float | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        self.done.append((key, asyncio.get_running_loop().time()))
        if self.fails:
            self.fails -= 1
            raise ValueError("no luck")
        again, self.again = self.again, None
        return again


@virtually
async def test_a_key_that_was_added_often_is_worked_on_once() -> None:
    queue, work = WorkQueue[str](), Worker()
    for key in ("a", "b", "a", "a"):
        queue.add(key)
    assert len(queue) == 2
    async with Working(queue, work):
        await asyncio.sleep(1)
    assert [key for key, _ in work.done] == ["a", "b"]
    assert len(queue) == 0


@virtually
async def test_a_key_that_is_added_while_it_is_worked_on_comes_once_more_and_never_twice_at_once() -> None:
    queue, work = WorkQueue[str](), Worker(seconds=10)
    queue.add("a")
    async with Working(queue, work, workers=4):
        await asyncio.sleep(1)
        for _ in range(3):
            queue.add("a")
        assert len(queue) == 1
        await asyncio.sleep(100)
    assert work.done == [("a", 10), ("a", 20)]
    assert work.most_at_once == 1


@virtually
async def test_different_keys_are_worked_on_at_once_up_to_the_number_of_workers() -> None:
    queue, work = WorkQueue[str](), Worker(seconds=10)
    for key in "abcde":
        queue.add(key)
    async with Working(queue, work, workers=2):
        await asyncio.sleep(100)
    assert work.most_at_once == 2
    assert [when for _, when in work.done] == [10, 10, 20, 20, 30]


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        pytest.param((5,), [5], id="one"),
        pytest.param((5, 2), [2], id="an-earlier-one-wins"),
        pytest.param((2, 5), [2], id="a-later-one-is-dropped"),
        pytest.param((-1,), [0], id="the-past-is-now"),
    ],
)
def test_a_later_add_comes_when_the_earliest_is_due(delays: tuple[float, ...], expected: list[float]) -> None:
    @virtually
    async def play() -> None:
        queue, work = WorkQueue[str](), Worker()
        for seconds in delays:
            queue.add_after("a", seconds)
        assert len(queue) == 0
        async with Working(queue, work):
            await asyncio.sleep(100)
        assert [when for _, when in work.done] == expected

    play()


@virtually
async def test_work_says_when_to_come_again() -> None:
    queue, work = WorkQueue[str](), Worker(again=7)
    queue.add("a")
    async with Working(queue, work):
        await asyncio.sleep(100)
    assert work.done == [("a", 0), ("a", 7)]


@virtually
async def test_a_key_that_fails_comes_after_growing_pauses_and_delays_nobody() -> None:
    queue, work = WorkQueue[str](), Worker(fails=3)
    queue.add("a")
    async with Working(queue, work, workers=1):
        await asyncio.sleep(0.05)
        queue.add("b")
        await asyncio.sleep(100)
    # The second of the failures is that of `b`.
    assert [(key, round(when, 3)) for key, when in work.done] == [
        ("a", 0),
        ("b", 0.05),
        ("a", 0.1),
        ("b", 0.15),
        ("a", 0.3),
    ]


@virtually
async def test_pauses_end_at_a_minute_and_begin_anew_after_a_success() -> None:
    queue, work = WorkQueue[str](), Worker(fails=12)
    queue.add("a")
    async with Working(queue, work):
        await asyncio.sleep(400)
        whens = [when for _, when in work.done]
        assert [round(later - when) for when, later in pairwise(whens[9:])] == [51, 60, 60]
        work.fails = 1
        queue.add("a")
        await asyncio.sleep(1)
    assert round(work.done[-1][1] - work.done[-2][1], 3) == 0.1


@virtually
async def test_a_key_whose_work_was_cut_off_is_not_lost() -> None:
    queue, work = WorkQueue[str](), Worker(seconds=10)
    queue.add("a")
    async with Working(queue, work):
        await asyncio.sleep(5)
    assert work.done == []
    async with Working(queue, work):
        await asyncio.sleep(100)
    assert [key for key, _ in work.done] == ["a"]
