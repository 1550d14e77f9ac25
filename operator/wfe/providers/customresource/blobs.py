"""Texts in ConfigMaps: compressed, in objects of at most 192 KiB (256 KiB as the API carries them)."""

import asyncio
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from wfe.kube import AlreadyExists, ApiNotFound, Client
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.forms import dump_json, load_json

PIECE: Final = 192 * 1024
_KEY: Final = "parts"
_LEVEL: Final = 6
Metadata = dict[str, Any]


def packed(value: Mapping[str, str] | Sequence[str]) -> bytes:
    """Return texts as few bytes."""
    return zlib.compress(dump_json(value).encode(), _LEVEL)  # type: ignore[arg-type]  # both are JSON


def unpacked(blob: bytes) -> Any:
    """Return what was packed."""
    return load_json(zlib.decompress(blob))


def pieces(blob: bytes, size: int = PIECE) -> list[bytes]:
    """Cut bytes into pieces."""
    return [blob[start : start + size] for start in range(0, len(blob), size)]


def names_of(reference: str) -> list[str]:
    """Return the objects of a chunk: one, or as many as its reference says after `+`."""
    name, _, more = reference.partition("+")
    return [name, *(f"{name}-{number}" for number in range(1, int(more or 1)))]


class Chunks:
    """The chunks of one namespace: immutable, so that what a status refers to does not change."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def write(self, name: str, blob: bytes, metadata: Metadata) -> str:
        """Keep a blob under a name derived from it, and return the reference to it. Doing it again changes nothing."""
        parts = pieces(blob)
        reference = f"{name}+{len(parts)}" if len(parts) > 1 else name
        for piece_name, piece in zip(names_of(reference), parts, strict=True):
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {**metadata, "name": piece_name},
                "immutable": True,
                "binaryData": {_KEY: b64encode(piece).decode()},
            }
            with suppress(AlreadyExists):
                await self._client.create(CONFIG_MAPS, body, self._namespace)
        return reference

    async def read(self, reference: str) -> Any:
        """Return what was packed into a chunk.

        Raises:
            ApiNotFound: it is there no more.
        """
        found = [await self._client.get(CONFIG_MAPS, name, self._namespace) for name in names_of(reference)]
        return unpacked(b"".join(b64decode(one["binaryData"][_KEY]) for one in found))

    async def read_all(self, references: Sequence[str]) -> list[Any]:
        """Return what is in several chunks, in their order."""
        return await asyncio.gather(*map(self.read, references))

    async def remove(self, references: Sequence[str]) -> None:
        """Delete chunks that nothing refers to any more."""
        for name in [name for reference in references for name in names_of(reference)]:
            await self._client.delete(CONFIG_MAPS, name, self._namespace)

    async def append(self, name: str, blocks: Mapping[str, bytes], metadata: Metadata) -> None:
        """Add blocks to an object that only grows; the same blocks again change nothing."""
        data = {"binaryData": {key: b64encode(block).decode() for key, block in blocks.items()}}
        try:
            await self._client.patch(CONFIG_MAPS, name, self._namespace, data, metadata_only=True)
        except ApiNotFound:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "name": name}, **data}
            try:
                await self._client.create(CONFIG_MAPS, body, self._namespace)
            except AlreadyExists:
                await self._client.patch(CONFIG_MAPS, name, self._namespace, data, metadata_only=True)

    async def blocks(self, name: str) -> dict[str, bytes]:
        """Return the blocks of an object that grows; none if it is not there."""
        try:
            found = await self._client.get(CONFIG_MAPS, name, self._namespace)
        except ApiNotFound:
            return {}
        return {key: b64decode(text) for key, text in found.get("binaryData", {}).items()}
