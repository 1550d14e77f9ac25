"""The log of an instance in a cluster: its containers' while it runs, and the kept one when it is over.

What was printed from containers is not printed again from the kept log, and what no container could say any more (its
pod was gone too soon, or it sees secrets and says nothing) is printed from there.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Final

from wfe.hosts.cli.cluster.logs.archive import kept_log
from wfe.hosts.cli.cluster.logs.lines import Line, Printed, Reader, is_of
from wfe.hosts.cli.cluster.logs.pods import Container, containers, printed
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.kube import ApiUnavailable

LOOK_SECONDS: Final = 0.5
MOST_WAITING: Final = 1000
# How long a log may take to be kept after the end.
KEEPING_SECONDS: Final = 30.0

Write = Callable[[Line], None]


async def log_now(room: Room, found: Phase, step: str | None = None) -> Sequence[Line]:
    """Return what the steps of an instance have written, in the order of time."""
    lines = await kept_log(room, found.id) if found.status.is_final else None
    if lines is None:
        every = await asyncio.gather(*(_so_far(room, one) for one in await containers(room, found.id)))
        lines = list(heapq.merge(*every, key=lambda line: line.at))
    return [line for line in lines if is_of(line.step, step)]


async def _so_far(room: Room, container: Container) -> list[Line]:
    lines = printed(room, container, Reader(container.step), follow=False)
    async with aclosing(lines):
        return [line async for line in lines]


async def follow_log(room: Room, name: str, write: Write, step: str | None = None) -> None:
    """Write what the steps of an instance write, until it has ended and all of it is written."""
    await _Following(room, name, write, step).run()


class _Following:
    def __init__(self, room: Room, name: str, write: Write, step: str | None) -> None:
        self._room = room
        self._name = name
        self._write = write
        self._step = step
        self._printed = Printed()
        self._readers: dict[Container, asyncio.Task[None]] = {}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        ended_at: float | None = None
        try:
            while True:
                found = phase(await self._room.instance(self._name))
                if not found.status.is_final:
                    await self._read_new(found)
                else:
                    ended_at = ended_at or loop.time()
                    if await self._rest(found, is_late=loop.time() > ended_at + KEEPING_SECONDS):
                        return
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._readers.values():
                task.cancel()
            await asyncio.gather(*self._readers.values(), return_exceptions=True)

    async def _read_new(self, found: Phase) -> None:
        for container in await containers(self._room, found.id):
            if container not in self._readers:
                self._readers[container] = asyncio.create_task(self._read(container), name=container.pod)

    async def _read(self, container: Container) -> None:
        reader = Reader(container.step)
        while True:
            try:
                lines = printed(self._room, container, reader, follow=True)
                async with aclosing(lines):
                    async for line in lines:
                        self._say(line)
            except ApiUnavailable:
                reader.again()
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    async def _rest(self, found: Phase, *, is_late: bool) -> bool:
        """Write what the kept log has and no container said; False while there may be one later."""
        kept = await kept_log(self._room, found.id)
        if kept is None:
            if not found.is_over and not is_late:
                await self._read_new(found)
                return False
            # Nothing was kept, so that the containers have the last word.
            await self._read_new(found)
            if self._readers:
                await asyncio.wait(self._readers.values(), timeout=LOOK_SECONDS)
            return True
        # What a container says from now on is in the kept log too.
        for task in self._readers.values():
            task.cancel()
        for line in kept:
            if is_of(line.step, self._step) and not self._printed.has(line):
                self._write(line)
        return True

    def _say(self, line: Line) -> None:
        if is_of(line.step, self._step):
            self._printed.note(line)
            self._write(line)
