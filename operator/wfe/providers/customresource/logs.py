"""The archive of logs: what the steps of an instance wrote, in ConfigMaps that go with it.

While an instance runs, its segments are compressed in memory, and its pod has them too: a controller that starts
anew is given all of them again. When it has ended, `flush` writes them. At most a mebibyte an instance is kept: the
beginning and the end, with a mark in the middle that says how much is missing.
"""

import re
import zlib
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from wfe.kube import AlreadyExists, Client
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.names import GROUP, ID, INSTANCES, ROLE

BLOCK_BYTES: Final = 64 * 1024
OBJECT_BYTES: Final = 192 * 1024
HEAD_BYTES: Final = 512 * 1024
TAIL_BYTES: Final = 512 * 1024
MEMORY_BYTES: Final = 64 * 1024 * 1024
COMPLETE: Final = f"{GROUP}/complete"
_NUMBERED: Final = re.compile(r"(?:\[\d+\]|#\d+)?/|(?:\[\d+\]|#\d+)$")


class _Line(msgspec.Struct, array_like=True):
    """A segment as it is kept."""

    path: str
    attempt: int
    stream: str
    offset: int
    at: float
    data: bytes


class _Block(msgspec.Struct, array_like=True):
    """Segments in the order in which they came, and how many bytes are missing before them."""

    cut: int
    lines: list[_Line]


@dataclass(slots=True)
class _Packed:
    blob: bytes
    raw: int


@dataclass(slots=True)
class _Log:
    """What one instance wrote: a beginning, an end, and the number of bytes between them that are not kept."""

    head: list[_Packed] = field(default_factory=list)
    tail: deque[_Packed] = field(default_factory=deque)
    fresh: list[_Line] = field(default_factory=list)
    fresh_bytes: int = 0
    size: int = 0
    tail_size: int = 0
    cut: int = 0
    ends: dict[tuple[str, int, Stream], int] = field(default_factory=dict)

    def add(self, segment: Segment) -> None:
        key = (segment.key.path, segment.key.attempt, segment.stream)
        if segment.offset < self.ends.get(key, 0):
            return  # it was delivered before
        self.ends[key] = segment.offset + len(segment.data)
        at = segment.at.timestamp()
        self.fresh.append(
            _Line(
                segment.key.path, segment.key.attempt, segment.stream.value, segment.offset, at, segment.data
            )
        )
        self.fresh_bytes += len(segment.data)
        if self.fresh_bytes >= BLOCK_BYTES:
            self.pack()

    def pack(self) -> None:
        if not self.fresh:
            return
        packed = _Packed(_packed(_Block(0, self.fresh)), self.fresh_bytes)
        self.fresh, self.fresh_bytes = [], 0
        self.size += len(packed.blob)
        if not self.tail and self.size <= HEAD_BYTES:
            self.head.append(packed)
            return
        self.tail.append(packed)
        self.tail_size += len(packed.blob)
        while self.tail_size > TAIL_BYTES and len(self.tail) > 1:
            self.shorten()

    def shorten(self) -> bool:
        """Let go of the oldest block behind the beginning, but for the last of all. False if there is none."""
        if len(self.tail) > 1:
            gone = self.tail.popleft()
            self.tail_size -= len(gone.blob)
        elif len(self.head) > 1:
            gone = self.head.pop()
        else:
            return False
        self.size -= len(gone.blob)
        self.cut += gone.raw
        return True

    def blocks(self) -> list[bytes]:
        """Return all blocks; the first behind the gap says how much is missing."""
        self.pack()
        tail = [packed.blob for packed in self.tail]
        if self.cut:
            tail.insert(0, _packed(_Block(self.cut, [])))
        return [*(packed.blob for packed in self.head), *tail]


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

    async def write(self, segment: Segment) -> None:
        """Take a segment in, once."""
        log = self._logs.setdefault(segment.key.instance, _Log())
        log.add(segment)
        if not log.fresh:
            self._fit()

    def _fit(self) -> None:
        while sum(log.size for log in self._logs.values()) > self._most_bytes:
            longest = max(self._logs.values(), key=lambda log: log.size)
            if not longest.shorten():
                return

    def kept_until(self, key: AttemptKey, stream: Stream) -> int:
        """Return up to which offset a stream is here; whoever follows it goes on from there."""
        log = self._logs.get(key.instance)
        return log.ends.get((key.path, key.attempt, stream), 0) if log else 0

    async def flush(self, instance: str, *, name: str, uid: str, root: str | None = None) -> None:
        """Write the log of an instance that has ended, and forget it. A complete archive is left as it is.

        Args:
            instance: its id.
            name, uid: of its object, with which the archive goes.
            root: the id of its root, if it is a child.
        """
        log = self._logs.get(instance)
        if log is None:
            return
        with translated(f"keeping the log of instance `{instance}`"):
            found = await self._objects(instance)
            if not any(COMPLETE in one["metadata"].get("annotations", {}) for one in found):
                for one in found:  # of a flush that was broken off
                    await self._client.delete(CONFIG_MAPS, one["metadata"]["name"], self._namespace)
                owner = {
                    "apiVersion": INSTANCES.api_version,
                    "kind": INSTANCES.kind,
                    "name": name,
                    "uid": uid,
                }
                metadata = {
                    "labels": names.labels("log", id=instance, root=root or instance),
                    "ownerReferences": [owner],
                }
                await self._write(instance, log, metadata)
        self.forget(instance)

    def forget(self, instance: str) -> None:
        """An instance is gone."""
        self._logs.pop(instance, None)

    async def _write(self, instance: str, log: _Log, metadata: dict[str, Any]) -> None:
        groups = list(_grouped(log.blocks()))
        for number, group in enumerate(groups):
            annotations = {COMPLETE: "true"} if number == len(groups) - 1 else {}
            own = {"name": names.log_name(instance, number), "annotations": annotations}
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {**metadata, **own},
                "immutable": True,
                "binaryData": {f"{place:06}": b64encode(blob).decode() for place, blob in group},
            }
            try:
                await self._client.create(CONFIG_MAPS, body, self._namespace)
            except AlreadyExists:
                return  # somebody else keeps it at the same time

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        """Yield segments in time order: of the archive, or of what this process has so far; it never waits."""
        del follow
        blobs = self._logs[instance].blocks() if instance in self._logs else await self._archived(instance)
        for segment in _in_order(_segments(instance, blobs)):
            if _is_of(segment.key.path, step):
                yield segment

    async def _archived(self, instance: str) -> list[bytes]:
        with translated(f"reading the log of instance `{instance}`"):
            found = await self._objects(instance)
        blobs = {key: text for one in found for key, text in one.get("binaryData", {}).items()}
        return [b64decode(text) for _, text in sorted(blobs.items())]

    async def _objects(self, instance: str) -> list[dict[str, Any]]:
        selector = f"{ROLE}=log,{ID}={names.label(instance)}"
        return [one async for one in self._client.list(CONFIG_MAPS, self._namespace, labels=selector)]


def _packed(block: _Block) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(block))


def _grouped(blobs: Sequence[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    group: list[tuple[int, bytes]] = []
    for numbered in enumerate(blobs):
        if group and sum(len(blob) for _, blob in group) + len(numbered[1]) > OBJECT_BYTES:
            yield group
            group = []
        group.append(numbered)
    if group:
        yield group


def _segments(instance: str, blobs: Iterable[bytes]) -> Iterator[Segment]:
    decoder = msgspec.msgpack.Decoder(_Block)
    last: Segment | None = None
    for blob in blobs:
        block = decoder.decode(zlib.decompress(blob))
        if block.cut and last is not None:
            text = f"[{block.cut} bytes of log are not kept]\n".encode()
            last = Segment(last.key, last.stream, last.offset + len(last.data), text, last.at)
            yield last
        for line in block.lines:
            key = AttemptKey(instance, line.path, line.attempt)
            at = datetime.fromtimestamp(line.at, UTC)
            last = Segment(key, Stream(line.stream), line.offset, line.data, at)
            yield last


def _in_order(segments: Iterable[Segment]) -> list[Segment]:
    return sorted(segments, key=lambda segment: segment.at)


def _is_of(path: str, step: str | None) -> bool:
    """Tell whether a visit belongs to a step: by its path, or by a name anywhere in it."""
    return step is None or path == step or step in _NUMBERED.split(path)
