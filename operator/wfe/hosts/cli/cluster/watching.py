"""Following an instance of a cluster to its end, or to where it cannot go on.

A watch says when to look, and a look reads what there is: what a watch misses, the next look has. Ctrl-C stops the
looking; the instance goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

from wfe.errors import Retryable
from wfe.graph.graph import Graph
from wfe.graph.node import Node, SequenceSpec
from wfe.hosts.cli.cluster.interrupts import leaving, unless
from wfe.hosts.cli.cluster.logs.following import follow_log
from wfe.hosts.cli.cluster.logs.lines import Line
from wfe.hosts.cli.cluster.looks import Look, graph_of, look
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.cli.cluster.telling import Told
from wfe.hosts.cli.display.display import REDRAW_SECONDS, Display
from wfe.kube import Informer
from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource import INSTANCES, InstanceObject
from wfe.providers.customresource.names import ROOT

# A big instance takes long to read: after a look there is a pause as long as it took.
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
# What seems halted may be about to go on: it has to seem so twice.
SURE_AFTER: Final = 1.0


class Following:
    """Follows one instance, and shows it."""

    def __init__(self, room: Room, name: str, display: Display, *, logs: bool = False) -> None:
        self._room = room
        self._name = name
        self._display = display
        self._logs = logs
        self._told = Told()
        self._is_shown = False
        self._said = ""

    async def to_the_end(self) -> Look:
        """Return the last look at it.

        Raises:
            NotFound: there is none, or somebody deleted it.
            Left: Ctrl-C.
        """
        async with leaving() as left:
            found = await self._look()
            self._name = found.phase.name  # it may have been told by its id
            try:
                async with self._writing(found) as writing, self._changes(found) as changed, self._ticking():
                    found = await self._followed(found, changed, left)
                    if writing is not None and found.instance.status.is_final:
                        await unless(left, _done(writing))
            finally:
                if self._is_shown:
                    self._display.close()
        return found

    async def _followed(self, found: Look, changed: asyncio.Event, left: asyncio.Event) -> Look:
        loop = asyncio.get_running_loop()
        was_halted, took = False, 0.0
        while True:
            await self._show(found)
            if found.instance.status.is_final or (was_halted and found.is_halted):
                return found
            was_halted = found.is_halted
            await unless(left, asyncio.sleep(max(SHORTEST_PAUSE, took)))
            await unless(left, changed.wait(), within=SURE_AFTER if was_halted else LONGEST_PAUSE)
            changed.clear()
            began = loop.time()
            found = await unless(left, self._patient_look()) or found
            took = loop.time() - began

    async def _look(self) -> Look:
        return await look(self._room, self._name)

    async def _patient_look(self) -> Look:
        """Look; if the cluster cannot be asked, say so and go on asking."""
        is_told = False
        while True:
            try:
                return await self._look()
            except Retryable as error:
                if not is_told:
                    self._display.note(f"{error}; looking again")
                is_told = True
                await asyncio.sleep(LONGEST_PAUSE)

    async def _show(self, found: Look) -> None:
        if not found.phase.is_begun and not found.instance.status.is_final:
            self._say_why(found)
            return
        if not self._is_shown:
            self._is_shown = True
            graph = await graph_of(self._room, found.instance)
            # As at its birth: the first line has that time, and all that happened since follows.
            self._display.begin(graph or _unknown(found), replace(found.instance, revision=1))
        for change in self._told.news(found, now=self._room.client.now()):
            self._display.heard(found.instance, change)

    def _say_why(self, found: Look) -> None:
        """Say once why an instance does not begin."""
        why = found.phase.message or found.phase.reason
        if why and why != self._said:
            self._display.note(f"{found.phase.name}: {found.phase.status}: {why}")
        self._said = why

    # -- beside it ---------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _changes(self, found: Look) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set when the instance, or one of its tree, may have changed."""
        changed = asyncio.Event()
        root = found.instance.root or found.instance.id
        informers = [
            Informer(
                self._room.client, INSTANCES, InstanceObject, namespaces=[self._room.namespace], **selection
            )
            for selection in ({"fields": f"metadata.name={self._name}"}, {"labels": f"{ROOT}={root}"})
        ]
        for informer in informers:
            informer.listen(lambda *_: changed.set())
        tasks = [asyncio.create_task(informer.run(), name="watch instances") for informer in informers]
        try:
            yield changed
        finally:
            await _stopped(*tasks)

    @asynccontextmanager
    async def _writing(self, found: Look) -> AsyncIterator["asyncio.Task[None] | None"]:
        if not self._logs:
            yield None
            return

        def write(line: Line) -> None:
            self._display.wrote(_segment(line, found.instance.id))

        task = asyncio.create_task(follow_log(self._room, self._name, write), name="logs")
        try:
            yield task
        finally:
            await _stopped(task)

    @asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        async def tick() -> None:
            while True:
                await asyncio.sleep(REDRAW_SECONDS)
                if self._is_shown:
                    self._display.tick()

        task = asyncio.create_task(tick(), name="redraw")
        try:
            yield
        finally:
            await _stopped(task)


async def _done(task: "asyncio.Task[None]") -> None:
    await asyncio.shield(task)


async def _stopped(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def _segment(line: Line, instance: str) -> Segment:
    return Segment(AttemptKey(instance, line.step, 0), Stream.STDOUT, 0, line.text + b"\n", line.at)


def _unknown(found: Look) -> Graph:
    """Return a workflow that nobody can read here; its steps appear as they happen."""
    root = Node(path="", name="", type="sequence", spec=SequenceSpec(), hidden=True)
    return Graph(workflow=found.instance.workflow, root=root)
