"""Writing instances: what a save changes in the status, and the chunks that are written before it."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from wfe.model import codec
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.parts import part_names
from wfe.providers.customresource.blobs import Chunks, Metadata, packed
from wfe.providers.customresource.layout import FULL, Layout
from wfe.providers.customresource.names import chunk_name
from wfe.providers.customresource.records import ELSEWHERE, PACKED, RING_BYTES, RING_RECORDS
from wfe.providers.customresource.table import Stored

BIG_HEAD: Final = 6 * 1024
MANY_RECORDS: Final = 1024
BIG_RECORDS: Final = 3 * 1024
WEIGHT_ELSEWHERE: Final = 1024
WHOLE_HEAD: Final = "h/"
Status = dict[str, Any]


@dataclass(slots=True)
class Change:
    """What a decision writes, encoded: a value that is not JSON fails before anything is written."""

    instance: Instance
    head: str
    parts: dict[str, str | None]
    records: dict[int, str]

    @classmethod
    def of(cls, decision: Decision, *, creates: bool = False) -> "Change":
        instance = decision.instance
        parts = _texts(instance, part_names(instance) if creates else decision.touched)
        head = codec.encode_head(instance).decode()
        if len(head) > BIG_HEAD:
            # Lists read heads: they need the small fields, and all of it lies beside.
            parts[WHOLE_HEAD] = head
            head = codec.encode_head(replace(instance, outputs=None, pins={})).decode()
        records = {record.seq: codec.encode_record(record).decode() for record in decision.records}
        return cls(instance, head, parts, records)


@dataclass(slots=True)
class Written:
    """What a save puts into the status, and what it leaves behind."""

    engine: Status
    garbage: list[str] = field(default_factory=list)


def _texts(instance: Instance, names: Iterable[str]) -> dict[str, str | None]:
    encoded = codec.encode_parts(instance, names)
    return {name: None if text is None else text.decode() for name, text in encoded.items()}


def _given_name(stored: str) -> str:
    return str(codec.load_json(stored)) if stored.startswith('"') else stored


def size_in_status(name: str, text: str) -> int:
    """Return about how many bytes a part takes in a status, where quotes are escaped."""
    return len(text.encode()) + text.count('"') + text.count("\\") + len(name) + 8


class Writer:
    """Prepares a save: it changes the layout, and writes chunks."""

    def __init__(self, chunks: Chunks, metadata: Metadata) -> None:
        self._chunks = chunks
        self._metadata = metadata

    async def write(self, stored: Stored, change: Change) -> Written:
        """Write what does not go into the status, and return what does."""
        layout = stored.layout
        before = (list(layout.chunks), set(layout.gone))
        parts = await self._parts(layout, change)
        garbage = layout.tidy()
        engine: Status = {
            "id": change.instance.id,
            "created": stamp_of(change.instance.created_at),
            "revision": change.instance.revision,
            "head": change.head,
            "parts": parts,
        }
        if before[0] != list(layout.chunks):
            engine["chunks"] = list(layout.chunks)
        if before[1] != layout.gone:
            engine["gone"] = sorted(layout.gone)
        if change.records:
            engine["ring"] = await self._ring(stored, change)
        return Written(engine, garbage)

    async def _parts(self, layout: Layout, change: Change) -> dict[str, str | None]:
        texts = dict(change.parts)
        if WHOLE_HEAD not in texts and (WHOLE_HEAD in layout.inline or WHOLE_HEAD in layout.where):
            texts[WHOLE_HEAD] = None
        was_inline = {name for name in texts if name in layout.inline}
        sizes = {name: None if text is None else size_in_status(name, text) for name, text in texts.items()}
        moved = layout.write(sizes)
        await self._move(layout, change, moved)
        await self._move(layout, change, layout.crowded())
        evicted = [name for name in moved if name not in texts]
        left = {name for name in (*was_inline, *evicted) if name not in layout.inline}
        written = {name: text for name, text in texts.items() if name in layout.inline}
        return {**dict.fromkeys(left), **written}

    async def _move(self, layout: Layout, change: Change, names: Sequence[str]) -> None:
        """Put parts into chunks; those that the decision did not touch are as the instance has them."""
        untouched = [name for name in names if change.parts.get(name) is None]
        texts = {**_texts(change.instance, map(_given_name, untouched)), **change.parts}
        for group in _groups({name: text for name in names if (text := texts.get(name)) is not None}):
            reference = await self._keep(change, packed(group))
            layout.place(reference, group, sum(map(len, group.values())))

    async def _keep(self, change: Change, blob: bytes) -> str:
        name = chunk_name(change.instance.id, change.instance.revision, blob)
        return await self._chunks.write(name, blob, self._metadata)

    async def _ring(self, stored: Stored, change: Change) -> dict[str, str | None]:
        texts = {str(number): text for number, text in change.records.items()}
        first = next(iter(texts))
        if sum(map(len, texts.values())) > MANY_RECORDS:
            blob = packed(list(texts.values()))
            text = PACKED + b64encode(blob).decode()
            texts = {first: text if len(text) <= BIG_RECORDS else ELSEWHERE + await self._keep(change, blob)}
        stored.ring.update({number: weight_of(number, text) for number, text in texts.items()})
        return dict(texts)


def weight_of(number: str, text: str) -> int:
    """Return what a record counts for in the ring: one that lies elsewhere is an object that should not last."""
    return WEIGHT_ELSEWHERE if text.startswith(ELSEWHERE) else size_in_status(number, text)


def is_full(ring: Mapping[str, int]) -> bool:
    """Whether the records in the status have to go to a history object before more come."""
    return sum(ring.values()) > RING_BYTES or len(ring) > RING_RECORDS


def _groups(texts: Mapping[str, str]) -> Iterable[dict[str, str]]:
    group: dict[str, str] = {}
    size = 0
    for name, text in texts.items():
        if group and size + len(text) > FULL:
            yield group
            group, size = {}, 0
        group[name] = text
        size += len(text)
    if group:
        yield group


def stamp_of(when: datetime) -> str:
    """Return a time as text that sorts."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")
