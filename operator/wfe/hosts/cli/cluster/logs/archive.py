"""The log that is kept when an instance has ended: of itself, and of every instance that its steps started."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wfe.hosts.cli.cluster.logs.lines import Line, spoken
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.model.ids import AttemptKey
from wfe.ports.logs import LogStore, Segment, Stream, in_true_order
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


async def kept_log(room: Room, kept: Family, copy: LogStore | None = None) -> list[Line]:
    """Return the lines that were kept of a family, in its objects and in a copy, in the order of time."""
    members = [(member.phase.id, member.prefix) for member in kept.members]
    lines = await Kept(LogArchive(room.client, room.namespace), copy).lines(members)
    return [replace(line, own=kept.above + line.step) for line in lines]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where logs are kept: in objects of the cluster, and in a copy, each as far as there is one."""

    archive: LogArchive | None = None
    copy: LogStore | None = None

    async def lines(self, members: Sequence[tuple[str, str]]) -> list[Line]:
        """Return the lines of instances, each with what stands before the paths of its steps, in the order of time."""
        lines = [
            line
            for instance, prefix in members
            for line in whole_lines(await self._segments(instance), prefix)
        ]
        return sorted(lines, key=lambda line: line.at)

    async def _segments(self, instance: str) -> Sequence[Segment]:
        found: dict[tuple[AttemptKey, Stream, int], Segment] = {}
        # What objects say about the middle of a long log that they lack stands where the copy has it.
        for keeper in (self.copy, self.archive):
            if keeper is not None:
                async for segment in keeper.read(instance):
                    found.setdefault((segment.key, segment.stream, segment.offset), segment)
        return in_true_order(found.values())


def whole_lines(segments: Iterable[Segment], prefix: str) -> Iterator[Line]:
    """Yield the lines of an instance; one that came in pieces is put together."""
    pieces: dict[tuple[AttemptKey, Stream], Segment] = {}
    texts: dict[tuple[AttemptKey, Stream], bytes] = {}
    for segment in segments:
        stream = segment.key, segment.stream
        first = pieces.setdefault(stream, segment)
        texts[stream] = texts.get(stream, b"") + segment.data
        if segment.data.endswith(b"\n"):
            yield _line(first, texts.pop(stream), prefix)
            del pieces[stream]
    yield from _left(pieces, texts, prefix)


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
