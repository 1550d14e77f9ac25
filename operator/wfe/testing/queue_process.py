"""A process that uses a queue to the end, or until it is killed.

`python -m wfe.testing.queue_process VERB URL …`, where VERB is one of:

`put URL KEY…` puts keys that are due at once, and ends.
`fill URL` puts `key 0`, `key 1` and so on for ever, printing each after the answer.
`drain URL` takes one key after another and is done with it, printing each, until nothing is due.
`work URL SECONDS` takes keys with such a claim and is done with them, for ever. Before that it prints `<key> <time>`
for each, with the time of the answer to the take by the clock of the event loop.
`hold URL SECONDS` takes what is due with such a claim, prints it, and does nothing until it is killed.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count

from wfe import providers
from wfe.ports.queue import Queue
from wfe.runtime.clock import SystemClock

CLOCK = SystemClock()


async def put(queue: Queue, *keys: str) -> None:
    """Put keys."""
    for key in keys:
        await queue.put(key, CLOCK.now())


async def fill(queue: Queue) -> None:
    """Put ever more keys."""
    for number in count():
        await queue.put(f"key {number}", CLOCK.now())
        _tell(f"key {number}")


async def drain(queue: Queue) -> None:
    """Work on whatever is due."""
    while taken := await queue.take(1, timedelta(minutes=5)):
        _tell(taken[0].key)
        await queue.done(taken[0])


async def work(queue: Queue, seconds: str) -> None:
    """Work on whatever comes."""
    while True:
        taken = await queue.take(2, timedelta(seconds=float(seconds)))
        time = asyncio.get_running_loop().time()
        for one in taken:
            _tell(f"{one.key} {time}")
            await queue.done(one)
        await queue.wait(CLOCK.now() + timedelta(seconds=1))


async def hold(queue: Queue, seconds: str) -> None:
    """Take and say nothing more."""
    for one in await queue.take(100, timedelta(seconds=float(seconds))):
        _tell(one.key)
    await asyncio.Event().wait()


def _tell(key: str) -> None:
    print(key, flush=True)  # noqa: T201 (the parent reads it)


VERBS: dict[str, Callable[..., Awaitable[None]]] = {
    "put": put,
    "fill": fill,
    "drain": drain,
    "work": work,
    "hold": hold,
}


async def main(verb: str, url: str, *arguments: str) -> None:
    provider = providers.find(url)
    queue = provider.queue(now=CLOCK.now)
    assert queue
    await provider.open()
    await VERBS[verb](queue, *arguments)
    await provider.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
