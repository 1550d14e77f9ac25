"""The archive of logs of one namespace.

What comes is compressed in memory; `flush` writes it to the objects of its instance, behind what they have. Whoever
is given a log again, because it or another process has died, gives it to the archive again: what the objects have is
found out when it is written, and left out. So it can be flushed at any time and by anybody, and no line is kept twice.

At most a mebibyte an instance is kept, compressed: the beginning and the end, with a mark between them that says how
much is missing.
"""

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from wfe.errors import StoreUnavailable
from wfe.kube import AlreadyExists, ApiConflict, ApiForbidden, ApiNotFound, Client
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.logs.blocks import Block, ends_of, found, segments
from wfe.providers.customresource.logs.pieces import PIECES, Piece, Write, end_of, head_room, piece_of, plan
from wfe.providers.customresource.logs.unwritten import Unwritten
from wfe.providers.customresource.names import ID, INSTANCES, ROLE

MEMORY_BYTES: Final = 64 * 1024 * 1024
_TRIES: Final = 5
_NUMBERED: Final = re.compile(r"(?:\[\d+\]|#\d+)?/|(?:\[\d+\]|#\d+)$")
Metadata = dict[str, Any]


@dataclass(slots=True)
class _Log:
    """An instance's log: what is in memory, and the objects, as far as anybody has looked."""

    unwritten: Unwritten = field(default_factory=Unwritten)
    pieces: tuple[Piece, ...] = ()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class LogArchive:
    """Keeps the promises of `ports.logs.LogSink` and `LogReader` for the instances of one namespace.

    Args:
        most_bytes: how much is kept in memory; above it the longest log loses its middle.
    """

    def __init__(self, client: Client, namespace: str, *, most_bytes: int = MEMORY_BYTES) -> None:
        self._client = client
        self._namespace = namespace
        self._most_bytes = most_bytes
        self._logs: dict[str, _Log] = {}
        # The objects of logs of which nothing is in memory: it takes little to know them, and requests to find out.
        self._resting: dict[str, tuple[Piece, ...]] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes are in memory."""
        return self._size

    async def write(self, segment: Segment) -> None:
        """Take a segment in, once."""
        instance = segment.key.instance
        log = self._logs.get(instance) or self._woken(instance)
        with self._counted(instance, log):
            log.unwritten.add(segment)
        while self._size > self._most_bytes and self._shorten():
            pass

    def _woken(self, instance: str) -> _Log:
        log = self._logs[instance] = _Log(pieces=self._resting.pop(instance, ()))
        log.unwritten.follow(end_of(log.pieces), {}, head_room(log.pieces))
        return log

    def _shorten(self) -> bool:
        instance, longest = max(self._logs.items(), key=lambda item: item[1].unwritten.size)
        with self._counted(instance, longest):
            return longest.unwritten.shorten()

    @contextmanager
    def _counted(self, instance: str, log: _Log) -> Iterator[None]:
        """Keep the size true while something of a log changes; nobody may wait in it."""
        before = log.unwritten.size
        yield
        if self._logs.get(instance) is log:
            self._size += log.unwritten.size - before

    async def flush(self, instance: str, *, name: str, uid: str, root: str | None = None) -> None:
        """Have all that came of an instance's log in objects.

        In a namespace that is being deleted nothing is kept: its objects wait for the pods, which wait for this.

        Args:
            instance: its id.
            name, uid: of the instance object with which its log goes.
            root: the id of its root, if it is a child.

        Raises:
            Retryable: not now; some may have been written.
        """
        log = self._logs.get(instance)
        if log is None:
            return
        owner = {"apiVersion": INSTANCES.api_version, "kind": INSTANCES.kind, "name": name, "uid": uid}
        labels = names.labels("log", id=instance, root=root or instance)
        metadata = {"labels": labels, "ownerReferences": [owner]}
        async with log.lock:
            with translated(f"keeping the log of instance `{instance}`"):
                await self._flush(instance, log, metadata)

    async def _flush(self, instance: str, log: _Log, metadata: Metadata) -> None:
        for _ in range(_TRIES):
            with self._counted(instance, log):
                blocks = log.unwritten.blocks()
            try:
                for write in plan(log.pieces, blocks):
                    await self._write(instance, log, write, metadata)
            except (AlreadyExists, ApiConflict, ApiNotFound):
                # Somebody has written here: another process, this one before an answer was lost, or a user's hand.
                await self._look(instance, log)
            except ApiForbidden as error:
                if not error.is_about_end:
                    raise
                return
            else:
                return
        raise StoreUnavailable(f"the log of instance `{instance}` changes all the time")

    async def _write(self, instance: str, log: _Log, write: Write, metadata: Metadata) -> None:
        known = next((piece for piece in log.pieces if piece.number == write.number), None)
        name = names.log_name(instance, write.number)
        data: dict[str, str | None] = {
            f"{one.begin:015}": b64encode(one.blob).decode() for one in write.blocks
        }
        if known is None:
            own = {**metadata, "name": name}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": own, "binaryData": data}
            made = await self._client.create(CONFIG_MAPS, body, self._namespace)
        else:
            if not write.adds:
                before = await self._client.get(CONFIG_MAPS, name, self._namespace)
                data = {**dict.fromkeys(before.get("binaryData", {})), **data}
            made = await self._client.patch(
                CONFIG_MAPS,
                name,
                self._namespace,
                {"binaryData": data},
                resource_version=known.version,
                metadata_only=True,
            )
        piece = write.applied(known, version=made["metadata"]["resourceVersion"])
        log.pieces = (*(one for one in log.pieces if one is not known), piece)
        with self._counted(instance, log):
            log.unwritten.written(write.blocks)

    async def _look(self, instance: str, log: _Log) -> None:
        """Find out what the objects have."""
        pieces: list[Piece] = []
        blocks: list[Block] = []
        for number in range(PIECES):
            try:
                one = await self._client.get(CONFIG_MAPS, names.log_name(instance, number), self._namespace)
            except ApiNotFound:
                break
            own = _blocks(one)
            pieces.append(piece_of(number, own, one["metadata"]["resourceVersion"]))
            blocks += own
        log.pieces = tuple(pieces)
        with self._counted(instance, log):
            log.unwritten.follow(end_of(log.pieces), ends_of(blocks), head_room(log.pieces))

    def done(self, keys: Sequence[AttemptKey]) -> None:
        """Attempts are in objects, and will not be read again."""
        for key in keys:
            if (log := self._logs.get(key.instance)) is not None:
                log.unwritten.forget(key)
                if log.unwritten.is_bare:
                    self._resting[key.instance] = self._logs.pop(key.instance).pieces

    def forget(self, instance: str) -> None:
        """Hold nothing of an instance any more."""
        if (log := self._logs.pop(instance, None)) is not None:
            self._size -= log.unwritten.size
        self._resting.pop(instance, None)

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        """Yield segments in time order, those in objects and those that this process has; it never waits.

        Where something is missing, a line says how much.
        """
        del follow
        for segment in await self._segments(instance, marks=True):
            if _is_of(segment.key.path, step):
                yield segment

    async def written(self, instance: str, *, step: str | None = None) -> AsyncIterator[Segment]:
        """Yield the same, and nothing but what steps wrote."""
        for segment in await self._segments(instance, marks=False):
            if _is_of(segment.key.path, step):
                yield segment

    async def _segments(self, instance: str, *, marks: bool) -> list[Segment]:
        log = self._logs.get(instance)
        with translated(f"reading the log of instance `{instance}`"):
            if log is not None and log.unwritten:
                async with log.lock:
                    await self._look(instance, log)
            blocks = await self._archived(instance)
        if log is not None:
            blocks += log.unwritten.blocks()
        return segments(instance, blocks, marks=marks)

    async def _archived(self, instance: str) -> list[Block]:
        selector = f"{ROLE}=log,{ID}={names.label(instance)}"
        return [
            block
            async for one in self._client.list(CONFIG_MAPS, self._namespace, labels=selector)
            for block in _blocks(one)
        ]


def _blocks(piece: Mapping[str, Any]) -> list[Block]:
    return [found(int(begin), b64decode(blob)) for begin, blob in piece.get("binaryData", {}).items()]


def _is_of(path: str, step: str | None) -> bool:
    """Tell whether a visit belongs to a step: by its path, or by a name anywhere in it."""
    return step is None or path == step or step in _NUMBERED.split(path)
