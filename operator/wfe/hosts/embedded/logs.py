"""Logs of an instance and of the instances that its steps started, as one stream in time order."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from re import split
from typing import Final

from wfe.model.instance import Instance
from wfe.ports.logs import LogReader, Segment
from wfe.ports.store import Query, Store

MOST_CHILDREN: Final = 10_000
LOOK_EVERY: Final = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a step wrote at once; `path` is its place among the steps of the instance that was asked for."""

    path: str
    segment: Segment


@dataclass(frozen=True, slots=True)
class _Member:
    """An instance of a family, and where its steps stand."""

    id: str
    prefix: str


class FamilyLogs:
    """Reads the logs of whole families."""

    def __init__(self, store: Store, reader: LogReader) -> None:
        self._store = store
        self._reader = reader

    async def kept(self, instance: Instance, step: str | None) -> AsyncGenerator[LogLine, None]:
        """Yield what was written until now."""
        members = await self._members(_Member(instance.id, ""))
        streams = [aiter(self._lines(member, step, follow=False)) for member in members]
        heads = [(await anext(stream, None), stream) for stream in streams]
        while waiting := [(line, stream) for line, stream in heads if line is not None]:
            line, stream = min(waiting, key=lambda head: head[0].segment.at)
            yield line
            heads = [(await anext(stream, None), it) if it is stream else (head, it) for head, it in heads]

    async def followed(self, instance: Instance, step: str | None) -> AsyncGenerator[LogLine, None]:
        """Yield what is written until the instance has ended, whoever writes it."""
        lines: asyncio.Queue[LogLine] = asyncio.Queue(1000)
        readers: dict[str, asyncio.Task[None]] = {}
        try:
            while instance.id not in readers or not all(reader.done() for reader in readers.values()):
                for member in await self._members(_Member(instance.id, "")):
                    if member.id not in readers:
                        readers[member.id] = asyncio.create_task(self._read(member, step, lines))
                for line in await _heard(lines):
                    yield line
            while not lines.empty():
                yield lines.get_nowait()
            for reader in readers.values():
                reader.result()
        finally:
            for reader in readers.values():
                reader.cancel()
            await asyncio.gather(*readers.values(), return_exceptions=True)

    async def _read(self, member: _Member, step: str | None, lines: "asyncio.Queue[LogLine]") -> None:
        async with aclosing(self._lines(member, step, follow=True)) as stream:
            async for line in stream:
                await lines.put(line)

    async def _lines(
        self, member: _Member, step: str | None, *, follow: bool
    ) -> AsyncGenerator[LogLine, None]:
        inside = _inside(step, member.prefix)
        async for segment in self._reader.read(member.id, step=inside, follow=follow):
            yield LogLine(member.prefix + segment.key.path, segment)

    async def _members(self, root: _Member) -> Sequence[_Member]:
        members = [root]
        for member in members:
            for child in await self._store.list(Query(parent=member.id, limit=MOST_CHILDREN)):
                loaded = await self._store.load(child.id)
                if loaded is not None and loaded.parent is not None:
                    members.append(_Member(child.id, f"{member.prefix}{loaded.parent.path}/"))
        return members


async def _heard(lines: "asyncio.Queue[LogLine]") -> list[LogLine]:
    """Return what comes in, after waiting for it a while."""
    try:
        async with asyncio.timeout(LOOK_EVERY.total_seconds()):
            found = [await lines.get()]
    except TimeoutError:
        return []
    while not lines.empty():
        found.append(lines.get_nowait())
    return found


def _inside(step: str | None, prefix: str) -> str | None:
    """Return what a step of the family is called in a member: nothing in particular below the step itself."""
    if step is None or not prefix:
        return step
    if step.startswith(prefix):
        return step[len(prefix) :]
    names_above = split(r"(?:\[\d+\]|#\d+)?/", prefix)
    return None if prefix.startswith(f"{step}/") or step in names_above else step
