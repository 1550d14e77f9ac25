"""The log that is kept when an instance has ended: of itself, and of every instance that its steps started."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wfe.hosts.cli.cluster.logs.lines import Line, spoken
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


@dataclass(frozen=True, slots=True)
class Family:
    """An instance and those that its steps started, and theirs.

    Attributes:
        above: what the paths of its steps begin with among all of its tree.
    """

    members: Sequence[Member]
    above: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be kept of any."""
        return all(member.phase.is_over for member in self.members)


async def family(room: Room, first: Phase) -> Family:
    """Return the family of an instance."""
    listed = room.client.list(INSTANCES, room.namespace, labels=f"{ROOT}={first.root}")
    tree = [phase(item) async for item in listed]
    return Family(members(first, tree), above(first, tree))


def members(first: Phase, tree: Sequence[Phase]) -> Sequence[Member]:
    """Return those of a tree that belong to one of it. Pure."""
    found = [Member(first)]
    for member in found:
        found += [
            Member(one, member.prefix + _step_of(one))
            for one in tree
            if one.parent == member.phase.name and one.uid != first.uid
        ]
    return found


def above(first: Phase, tree: Sequence[Phase]) -> str:
    """Return where an instance stands in its tree, as containers say it. Pure."""
    known = {one.name: one for one in tree}
    path, one, seen = "", first, {first.name}
    while one.parent:
        path = _step_of(one) + path
        parent = known.get(one.parent)
        if parent is None or parent.name in seen:
            break  # the root itself has no label, and no parent
        one = parent
        seen.add(one.name)
    return spoken(path)


def _step_of(child: Phase) -> str:
    number = f"#{child.parent_attempt}" if child.parent_attempt > 1 else ""
    return f"{child.parent_path}{number}/"


async def kept_log(room: Room, kept: Family) -> list[Line]:
    """Return the lines that were kept of a family, in the order of time."""
    archive = LogArchive(room.client, room.namespace)
    lines = [
        replace(line, own=kept.above + line.step)
        for member in kept.members
        async for line in whole_lines(archive.read(member.phase.id), member.prefix)
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
    return Line(prefix + own, text.removesuffix(b"\n"), segment.at)
