"""The log that is kept when an instance has ended: of itself, and of every instance that its steps started."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from wfe.hosts.cli.cluster.logs.lines import Line
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource import INSTANCES
from wfe.providers.customresource.logs import LogArchive
from wfe.providers.customresource.names import ROOT


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a family, and where its steps stand among those of the one that was asked for."""

    phase: Phase
    prefix: str = ""


async def family(room: Room, first: Phase) -> Sequence[Member]:
    """Return an instance and those that its steps started, and theirs."""
    listed = room.client.list(INSTANCES, room.namespace, labels=f"{ROOT}={first.root}")
    return members(first, [phase(item) async for item in listed])


def members(first: Phase, tree: Sequence[Phase]) -> Sequence[Member]:
    """Return those of a tree that belong to one of it. Pure."""
    found = [Member(first)]
    for member in found:
        found += [
            Member(one, f"{member.prefix}{one.parent_path}/")
            for one in tree
            if one.parent == member.phase.name and one.uid != first.uid
        ]
    return found


async def kept_log(room: Room, kept: Sequence[Member]) -> list[Line]:
    """Return the lines that were kept of a family, in the order of time."""
    archive = LogArchive(room.client, room.namespace)
    lines = [
        line for member in kept async for line in whole_lines(archive.read(member.phase.id), member.prefix)
    ]
    return sorted(lines, key=lambda line: line.at)


async def whole_lines(segments: AsyncIterator[Segment], prefix: str) -> AsyncIterator[Line]:
    """Yield the lines of an instance; one that came in pieces is put together."""
    pieces: dict[tuple[AttemptKey, Stream], Segment] = {}
    texts: dict[tuple[AttemptKey, Stream], bytes] = {}
    async for segment in segments:
        stream = segment.key, segment.stream
        first = pieces.setdefault(stream, segment)
        texts[stream] = texts.get(stream, b"") + segment.data
        if segment.data.endswith(b"\n"):
            yield _line(first, texts.pop(stream), prefix)
            del pieces[stream]
    for rest in _left(pieces, texts, prefix):
        yield rest


def _left(
    pieces: Mapping[tuple[AttemptKey, Stream], Segment],
    texts: Mapping[tuple[AttemptKey, Stream], bytes],
    prefix: str,
) -> list[Line]:
    return [_line(first, texts[stream], prefix) for stream, first in pieces.items()]


def _line(segment: Segment, text: bytes, prefix: str) -> Line:
    key = segment.key
    own = key.path if key.attempt == 1 else f"{key.path}#{key.attempt}"
    return Line(prefix + own, text.removesuffix(b"\n"), segment.at, own=own)
