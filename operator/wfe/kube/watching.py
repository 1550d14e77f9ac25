"""One watch: lines as they come, decoded once into what their reader needs."""

import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, Generic, Literal, TypeVar

import aiohttp
import msgspec

from wfe.kube.errors import Status, error_of
from wfe.kube.transport import Request, Transport

T = TypeVar("T")

# A bookmark comes about once a minute, so a watch that says nothing for longer is dead without knowing it.
SILENCE_SECONDS: Final = 100.0
SHORTEST_SECONDS, LONGEST_SECONDS = 300, 600


class Event(msgspec.Struct, Generic[T], frozen=True):
    """What happened to an object."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: T


class Marked(msgspec.Struct, frozen=True):
    """How far the watch is, although nothing happened to what it selects."""

    resource_version: str


class _Line(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """Which object it is, where the rest is of no use."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class Bare(msgspec.Struct, frozen=True):
    """An object of which only its identity is known."""

    metadata: Identity


class Unreadable(msgspec.Struct, frozen=True):
    """An object that is not what its reader needs."""

    type: str
    item: Bare
    why: str


class Reader(Generic[T]):
    """Decodes lines. The usual line costs one pass; only bookmarks, errors and odd objects cost more."""

    def __init__(self, kind: type[T]) -> None:
        self._event = msgspec.json.Decoder(Event[kind])  # type: ignore[valid-type]  # a type known at run time
        self._line = msgspec.json.Decoder(_Line)
        self._bare = msgspec.json.Decoder(Bare)

    def read(self, line: bytes) -> Event[T] | Marked | Unreadable:
        """Return what the line says.

        Raises:
            ApiError: it says that the watch is over, and why.
        """
        try:
            return self._event.decode(line)
        except msgspec.ValidationError as error:
            return self._odd(line, str(error))

    def _odd(self, line: bytes, why: str) -> Marked | Unreadable:
        said = self._line.decode(line)
        if said.type == "ERROR":
            raise error_of(msgspec.json.decode(said.object, type=Status))
        item = self._bare.decode(said.object)
        if said.type == "BOOKMARK":
            return Marked(item.metadata.resource_version)
        return Unreadable(said.type, item, why)


async def watch_lines(
    transport: Transport, request: Request, since: str, *, silence: float = SILENCE_SECONDS
) -> AsyncGenerator[bytes]:
    """Yield the lines of one watch until the server ends it, which it does after some minutes.

    Raises:
        ApiGone: `since` is too old.
        ApiUnavailable: the connection fails, or nothing was heard for `silence` seconds.
    """
    # Watches that began together shall not all end together.
    seconds = random.randint(SHORTEST_SECONDS, LONGEST_SECONDS)  # noqa: S311 - it spreads load
    params = {
        **dict(request.params),
        "watch": "true",
        "resourceVersion": since,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(seconds),
    }
    asked = Request("watch", request.resource, "GET", request.path, params, headers=request.headers)
    async with transport.answer(asked, silence=silence) as response:
        async for line in _split(response.content):
            yield line


async def _split(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines of any length: the reader's own would refuse a long one."""
    begun: list[bytes] = []
    async for piece in content.iter_any():
        head, *rest = piece.split(b"\n")
        begun.append(head)
        if not rest:
            continue
        *whole, last = b"".join(begun), *rest
        begun = [last]
        for line in whole:
            if line:
                yield line
