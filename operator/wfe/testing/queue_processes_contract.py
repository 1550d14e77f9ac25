"""What queues promise to several processes. Subclass the suite and give it a fixture `queue_url`. See `queue_contract`.

All go by the machine's clock here, so nothing is said of times that may pass while a test is slow.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from itertools import islice

from wfe import providers
from wfe.ports.queue import Queue, Taken
from wfe.runtime.clock import SystemClock
from wfe.testing.processes import another_process

CLOCK = SystemClock()
CLAIM = timedelta(minutes=5)
SHORT = "0.3"
NEVER_IN_A_TEST = 60
MANY = 150


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


def _lines(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout
    return [line.rstrip("\n") for line in islice(process.stdout, number)]
