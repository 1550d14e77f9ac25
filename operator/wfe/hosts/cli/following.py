"""Following one instance to its end, or to where it cannot go on; Ctrl-C cancels it, twice kills."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from wfe.hosts.cli.display.display import REDRAW_SECONDS, Display
from wfe.hosts.embedded.host import WorkflowHost
from wfe.hosts.embedded.view import is_halted
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.model.status import InstanceStatus

LOOK_SECONDS: Final = 0.1
AFTER_KILL: Final = timedelta(seconds=5)


class Killed(Exception):
    """The second Ctrl-C: what ran was killed, and the instance has not ended."""


async def follow(host: WorkflowHost, start: Callable[[], Awaitable[str]], display: Display) -> Instance:
    """Start an instance by calling `start`, show what happens, and return its last value.

    Raises:
        Killed: the user could not wait for its end.
    """
    early: list[tuple[Instance, Lifecycle]] = []
    with host.listening(lambda *heard: early.append(heard)):
        instance_id = await start()
        instance = await host.get(instance_id)
        display.begin(await host.workflow_of(instance), instance)
    with host.listening(display.heard):
        for heard in early:
            display.heard(*heard)
        try:
            return await _to_the_end(host, instance_id, display)
        finally:
            display.close()


async def _to_the_end(host: WorkflowHost, instance_id: str, display: Display) -> Instance:
    async with _interrupts(host, instance_id, display) as killed, _ticking(display):
        ended = asyncio.ensure_future(host.wait(instance_id))
        halted = asyncio.ensure_future(_halted(host, instance_id))
        hurry = asyncio.ensure_future(killed.wait())
        try:
            await asyncio.wait({ended, halted, hurry}, return_when=asyncio.FIRST_COMPLETED)
            if hurry.done() and not ended.done():
                await asyncio.wait({ended}, timeout=AFTER_KILL.total_seconds())
            if ended.done():
                return ended.result()
            if hurry.done():
                raise Killed(instance_id)
            return await host.get(instance_id)
        finally:
            for task in (ended, halted, hurry):
                task.cancel()


async def _halted(host: WorkflowHost, instance_id: str) -> None:
    """Wait until nothing goes on before somebody resumes: what runs ends without a word once it is suspended.

    Only what is suspended twice in a row counts, since what is being saved may set it going again.
    """
    times = 0
    while times < 2:
        await asyncio.sleep(LOOK_SECONDS)
        instance = await host.get(instance_id)
        alone = not any(pointer.child for pointer in instance.pointers.values())
        if alone and instance.status is not InstanceStatus.SUSPENDED:
            times = 0
        else:
            times = times + 1 if is_halted(await host.family(instance_id)) else 0


@asynccontextmanager
async def _ticking(display: Display) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            await asyncio.sleep(REDRAW_SECONDS)
            display.tick()

    task = asyncio.create_task(tick(), name="redraw")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _interrupts(host: WorkflowHost, instance_id: str, display: Display) -> AsyncIterator[asyncio.Event]:
    """Let Ctrl-C and SIGTERM cancel the instance, and the next one kill it; the event says that."""
    loop = asyncio.get_running_loop()
    killed = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    def interrupted(name: str) -> None:
        if not tasks:
            display.note(f"{name}: cancelling, ensure hooks still run; again to kill")
            tasks.append(asyncio.create_task(host.cancel(instance_id, f"interrupted by {name}")))
        else:
            display.note(f"{name} again: killing")
            tasks.append(asyncio.create_task(host.kill(instance_id)))
            killed.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, interrupted, number.name)
    try:
        yield killed
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        await asyncio.gather(*tasks, return_exceptions=True)
