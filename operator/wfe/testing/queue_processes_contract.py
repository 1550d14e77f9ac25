"""What queues promise to several processes. Subclass the suite and give it a fixture `queue_url`. See `queue_contract`.

All go by the machine's clock here, so nothing is said of times that may pass while a test is slow.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from itertools import chain, count, islice
from threading import Thread
from typing import Self

from wfe import providers
from wfe.ports.queue import Queue, Taken
from wfe.runtime.clock import SystemClock
from wfe.testing.processes import another_process

CLOCK = SystemClock()
CLAIM = timedelta(minutes=5)
SHORT = "0.3"
NEVER_IN_A_TEST = 60
MANY = 150
DEATHS = 3


@asynccontextmanager
async def a_queue(url: str) -> AsyncIterator[Queue]:
    """Open a provider of our own and give its queue."""
    provider = providers.find(url)
    queue = provider.queue(now=CLOCK.now)
    assert queue
    await provider.open()
    try:
        yield queue
    finally:
        await provider.close()


async def next_of(queue: Queue) -> list[Taken]:
    """Wait until something can be taken."""
    while not (taken := await queue.take(1000, CLAIM)):
        await queue.wait(CLOCK.now() + timedelta(seconds=1))
    return list(taken)


class QueueProcessesContract:
    """One queue for all processes, whoever of them dies."""

    async def test_a_put_of_another_process_wakes_who_waits(self, queue_url: str) -> None:
        async with a_queue(queue_url) as queue, asyncio.timeout(NEVER_IN_A_TEST):
            waiting = asyncio.create_task(queue.wait(CLOCK.now() + timedelta(days=1)))
            with another_process("queue_process", "put", queue_url, "a"):
                await waiting
                assert [one.key for one in await next_of(queue)] == ["a"]

    async def test_what_a_dead_process_had_taken_is_given_to_another(self, queue_url: str) -> None:
        async with a_queue(queue_url) as queue, asyncio.timeout(NEVER_IN_A_TEST):
            await queue.put("a", CLOCK.now())
            with another_process("queue_process", "hold", queue_url, SHORT) as process:
                assert await asyncio.to_thread(_lines, process, 1) == ["a"]
                process.kill()
                (taken,) = await next_of(queue)
            assert taken.key == "a"
            assert await queue.done(taken)

    async def test_what_a_dead_process_had_put_is_there(self, queue_url: str) -> None:
        async with a_queue(queue_url), asyncio.timeout(NEVER_IN_A_TEST):
            with another_process("queue_process", "fill", queue_url) as process:
                answered = await asyncio.to_thread(_lines, process, MANY)
        async with a_queue(queue_url) as queue, asyncio.timeout(NEVER_IN_A_TEST):
            found = {one.key for one in await queue.take(10 * MANY, CLAIM)}
            assert set(answered) <= found

    async def test_processes_share_the_keys_and_none_is_taken_twice(self, queue_url: str) -> None:
        keys = [f"key {number}" for number in range(MANY)]
        async with a_queue(queue_url) as queue, asyncio.timeout(NEVER_IN_A_TEST):
            for key in keys:
                await queue.put(key, CLOCK.now())
            with ExitStack() as stack:
                command = ("queue_process", "drain", queue_url)
                processes = [stack.enter_context(another_process(*command)) for _ in range(3)]
                answers = [asyncio.to_thread(process.communicate) for process in processes]
                taken = [key for text, _ in await asyncio.gather(*answers) for key in text.splitlines()]
            assert sorted(taken) == sorted(keys)
            assert await queue.take(1, CLAIM) == []

    async def test_whoever_is_killed_every_key_is_worked_on_after_its_last_put(self, queue_url: str) -> None:
        put_at: dict[str, float] = {}
        worked_at: dict[str, float] = {}
        async with a_queue(queue_url) as queue, asyncio.timeout(NEVER_IN_A_TEST):
            for _ in range(DEATHS):
                with Workers(queue_url) as workers:
                    put_at |= await puts(queue, until=workers.are_at_work)
                    workers.kill()
                    for key, time in workers.told():
                        worked_at[key] = max(time, worked_at.get(key, 0))
            waiting = {taken.key for taken in await all_of(queue)}
        assert [key for key in put_at if key not in waiting and worked_at.get(key, 0) < put_at[key]] == []


class Workers:
    """Two processes that work on whatever comes, and what they tell."""

    def __init__(self, url: str) -> None:
        self._stack = ExitStack()
        self._url = url

    def __enter__(self) -> Self:
        command = ("queue_process", "work", self._url, SHORT)
        self._processes = [self._stack.enter_context(another_process(*command)) for _ in range(2)]
        self._lines: list[list[str]] = [[] for _ in self._processes]
        pairs = zip(self._processes, self._lines, strict=True)
        self._reading = [Thread(target=_read, args=pair) for pair in pairs]
        for thread in self._reading:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        for thread in self._reading:
            thread.join()

    def are_at_work(self) -> bool:
        """Tell whether each has worked on a few keys."""
        return all(len(lines) > 5 for lines in self._lines)

    def kill(self) -> None:
        """End them in the middle of whatever they do."""
        for process in self._processes:
            process.kill()
        for thread in self._reading:
            thread.join()

    def told(self) -> Iterator[tuple[str, float]]:
        """Yield which key was worked on, and when it had been taken."""
        for line in chain(*self._lines):
            key, _, time = line.rpartition(" ")
            yield key, float(time)


def _read(process: subprocess.Popen[str], into: list[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        into.append(line)  # noqa: PERF402 (the other thread counts them meanwhile)


async def puts(queue: Queue, *, until: Callable[[], bool]) -> dict[str, float]:
    """Put keys until then; return when the last put of each began."""
    put_at: dict[str, float] = {}
    for number in count():
        if until():
            return put_at
        key = f"key {number % 20}"
        put_at[key] = asyncio.get_running_loop().time()
        await queue.put(key, CLOCK.now())
        await asyncio.sleep(0.002)
    return put_at


async def all_of(queue: Queue) -> list[Taken]:
    """Take everything until all claims of others have run out, and nothing comes any more."""
    found: list[Taken] = []
    until = CLOCK.now() + 3 * timedelta(seconds=float(SHORT))
    while CLOCK.now() < until:
        found += await queue.take(1000, CLAIM)
        await queue.wait(until)
    return found


def _lines(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout
    return [line.rstrip("\n") for line in islice(process.stdout, number)]
