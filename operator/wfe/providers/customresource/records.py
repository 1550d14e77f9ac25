"""The history of instances: records of ended visits, in the status first, then in objects that only grow.

Only records that a save has made true go to a history object, so that whoever writes them, and however often,
writes the same. Reading takes each record once, by its number.
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from wfe.model import codec
from wfe.model.record import StepRecord
from wfe.providers.customresource.blobs import Chunks, Metadata, packed, pieces, unpacked
from wfe.providers.customresource.names import digest, history_name

RING_BYTES: Final = 5 * 1024
RING_RECORDS: Final = 64
BIG_RECORD: Final = 3 * 1024
OBJECT_BYTES: Final = 192 * 1024
BLOCK_TEXT: Final = 512 * 1024
BLOCK_PIECE: Final = 128 * 1024
ELSEWHERE: Final = "@"
PACKED: Final = "="


@dataclass(frozen=True, slots=True)
class Archive:
    """The history objects of an instance, and the bytes in the last of them."""

    objects: tuple[str, ...] = ()
    last_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Archived:
    """The records of one revision's ring, in history objects.

    Attributes:
        revision: the revision.
        archive: what there is in history objects now.
        numbers: the records.
        elsewhere: chunks that held some of them.
    """

    revision: int
    archive: Archive
    numbers: tuple[str, ...]
    elsewhere: tuple[str, ...]


async def archived(
    chunks: Chunks, instance: str, ring: Mapping[str, str], before: Archive, metadata: Metadata
) -> Archive:
    """Write the records of a ring to history objects, and return what there is then."""
    texts = await _texts(chunks, ring)
    objects, last_bytes = list(before.objects), before.last_bytes
    for block in _blocks(texts):
        for key, piece in _keyed(block):
            if not objects or last_bytes + len(piece) > OBJECT_BYTES:
                objects.append(history_name(instance, len(objects)))
                last_bytes = 0
            await chunks.append(objects[-1], {key: piece}, metadata)
            last_bytes += len(piece)
    return Archive(tuple(objects), last_bytes)


async def _texts(chunks: Chunks, ring: Mapping[str, str]) -> list[tuple[int, str]]:
    """Return the records in a ring, and those of saves that were too big for it."""
    found: list[tuple[int, str]] = []
    for number, text in ring.items():
        many = [text]
        if text.startswith(PACKED):
            many = unpacked(b64decode(text.removeprefix(PACKED)))
        elif text.startswith(ELSEWHERE):
            many = await chunks.read(text.removeprefix(ELSEWHERE))
        found += [(int(number), one) for one in many]
    return sorted(found, key=lambda one: one[0])


def _blocks(texts: Iterable[tuple[int, str]]) -> Iterable[list[tuple[int, str]]]:
    block: list[tuple[int, str]] = []
    size = 0
    for number, text in texts:
        if block and size + len(text) > BLOCK_TEXT:
            yield block
            block, size = [], 0
        block.append((number, text))
        size += len(text)
    if block:
        yield block


def _keyed(block: list[tuple[int, str]]) -> Iterable[tuple[str, bytes]]:
    blob = packed([text for _, text in block])
    name = f"{block[0][0]}-{block[-1][0]}.{digest(blob.hex(), 8)}"
    parts = pieces(blob, BLOCK_PIECE)
    return [(f"{name}.{place}of{len(parts)}", piece) for place, piece in enumerate(parts, start=1)]


async def read_records(chunks: Chunks, objects: Iterable[str], ring: Mapping[str, str]) -> list[StepRecord]:
    """Return all records in start order."""
    found: dict[int, StepRecord] = {}
    kept: dict[str, dict[int, bytes]] = {}
    for name in objects:
        for key, piece in (await chunks.blocks(name)).items():
            block, _, place = key.rpartition(".")
            kept.setdefault(f"{block}.{place.partition('of')[2]}", {})[int(place.partition("of")[0])] = piece
    for block, parts in kept.items():
        if len(parts) == int(block.rpartition(".")[2]):
            blob = b"".join(part for _, part in sorted(parts.items()))
            _take(found, unpacked(blob))
    _take(found, [text for _, text in await _texts(chunks, ring)])
    return [record for _, record in sorted(found.items())]


def _take(found: dict[int, StepRecord], texts: Iterable[str]) -> None:
    for text in texts:
        record = codec.decode_record(text.encode())
        found[record.seq] = record
