"""The log of an instance in a cluster: its containers' while it runs, and the kept one when it is over.

What was printed from containers is not printed again from the kept log, and what no container could say any more (its
pod was gone too soon, or it sees secrets and says nothing) is printed from there.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Final

from wfe.hosts.cli.cluster.logs.archive import family, kept_log
from wfe.hosts.cli.cluster.logs.lines import Line, Printed, Reader, is_of, within
from wfe.hosts.cli.cluster.logs.pods import Container, containers, printed
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.kube import ApiUnavailable
from wfe.ports.logs import LogStore

LOOK_SECONDS: Final = 0.3
# How long a log may take to be kept after the end.
KEEPING_SECONDS: Final = 30.0

Write = Callable[[Line], None]


async def log_now(
    room: Room, found: Phase, step: str | None = None, copy: LogStore | None = None
) -> Sequence[Line]:
    """Return what the steps of an instance have written, in the order of time; with `copy`, what is kept there too."""
    kept = await family(room, found)
    if kept.is_over:
        lines = await kept_log(room, kept, copy)
    else:
        every = await asyncio.gather(*(_so_far(room, one) for one in await containers(room, found.root)))
        said = (within(line, kept.above) for line in heapq.merge(*every, key=lambda line: line.at))
        lines = [line for line in said if line is not None]
        # A pod may be gone while its instance goes on, or waits.
        gone = unsaid(await kept_log(room, kept, copy), lines)
        lines = list(heapq.merge(gone, lines, key=lambda line: line.at))
    return [line for line in lines if is_of(line.step, step)]


def unsaid(kept: Sequence[Line], said: Sequence[Line]) -> list[Line]:
    """Return the lines that were kept and that no container says."""
    printed = Printed()
    for line in said:
        printed.note(line)
    return [line for line in kept if not printed.has(line)]


async def _so_far(room: Room, container: Container) -> list[Line]:
    async with aclosing(printed(room, container, Reader(container.step), follow=False)) as lines:
        return [line async for line in lines]


async def follow_log(
    room: Room, name: str, write: Write, step: str | None = None, copy: LogStore | None = None
) -> None:
    """Write what the steps of an instance write, until it has ended and all of it is written."""
    await _Following(room, name, write, step, copy).run()


class _Following:
    def __init__(self, room: Room, name: str, write: Write, step: str | None, copy: LogStore | None) -> None:
        self._room = room
        self._name = name
        self._write = write
        self._step = step
        self._copy = copy
        self._printed = Printed()
        self._readers: dict[Container, asyncio.Task[None]] = {}
        self._above = ""

    async def run(self) -> None:
        try:
            found = phase(await self._room.instance(self._name))
            self._name = found.name  # it may have been told by its id
            if found.parent:
                self._above = (await family(self._room, found)).above
            while not found.status.is_final:
                await self._read_new(found)
                await asyncio.sleep(LOOK_SECONDS)
                found = phase(await self._room.instance(self._name))
            await self._rest(found)
        finally:
            for task in self._readers.values():
                task.cancel()
            await asyncio.gather(*self._readers.values(), return_exceptions=True)

    async def _read_new(self, found: Phase) -> None:
        for container in await containers(self._room, found.root):
            if container not in self._readers:
                self._readers[container] = asyncio.create_task(self._read(container), name=container.pod)

    async def _read(self, container: Container) -> None:
        reader = Reader(container.step)
        while True:
            try:
                async with aclosing(printed(self._room, container, reader, follow=True)) as lines:
                    async for line in lines:
                        self._say(line)
            except ApiUnavailable:
                reader.again()
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    async def _rest(self, found: Phase) -> None:
        """Write what the kept log has and no container said."""
        loop = asyncio.get_running_loop()
        until = loop.time() + KEEPING_SECONDS
        while True:
            kept = await family(self._room, phase(await self._room.instance(self._name)))
            if kept.is_over or loop.time() > until:
                break
            await self._read_new(found)
            await asyncio.sleep(LOOK_SECONDS)
        # What a container says from now on is in the kept log too.
        for task in self._readers.values():
            task.cancel()
        for line in await kept_log(self._room, kept, self._copy):
            if is_of(line.step, self._step) and not self._printed.has(line):
                self._write(line)

    def _say(self, said: Line) -> None:
        line = within(said, self._above)
        if line is not None and is_of(line.step, self._step):
            self._printed.note(line)
            self._write(line)
