"""Many writes at once: in batches by bytes, with an answer for each.

An item that is there already is as good as written. One that the server has no room for now is tried again, with
pauses; one that it can never take is refused, and takes nothing else with it.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from wfe.errors import StoreUnavailable
from wfe.providers.opensearch.errors import RequestTooLarge, is_blocked, reason_of, refusal
from wfe.providers.opensearch.server import Server

BATCH_BYTES: Final = 4 * 1024 * 1024
_PAUSES: Final = tuple(timedelta(milliseconds=pause) for pause in (50, 150, 400))
# What is there already, or there in a later version, conflicts.
_DONE: Final = frozenset({200, 201, 409})
_MISSING: Final = 404
_ANSWER: Final = {"filter_path": "items.*.status,items.*.error"}


@dataclass(frozen=True, slots=True)
class Item:
    """A line that says what to do, and a document to do it with; "" for none."""

    action: bytes
    document: bytes = b""

    @property
    def size(self) -> int:
        return len(self.action) + len(self.document) + 2


def encoded(value: Any) -> bytes:
    """Return JSON in one line."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half a character, out of somebody's JSON: it has no place in UTF-8.
        return msgspec.json.encode(_whole(msgspec.to_builtins(value)))


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {key: _whole(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_whole(inner) for inner in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that can never be written, and why."""

    item: Item
    why: str


async def write(server: Server, items: Sequence[Item]) -> list[Refused]:
    """Write all items, and return those that can never be written.

    Raises:
        StoreUnavailable: some may have been written; the same call may succeed later.
        OpenSearchUnusable: it will not.
    """
    refused: list[Refused] = []
    for batch in batches(items):
        refused += await _fitting(server, batch)
    return refused


def batches(items: Sequence[Item], limit: int = BATCH_BYTES) -> Iterator[Sequence[Item]]:
    """Part items into runs of at most so many bytes; one that is larger goes alone."""
    start = size = 0
    for number, item in enumerate(items):
        if size + item.size > limit and number > start:
            yield items[start:number]
            start, size = number, 0
        size += item.size
    if start < len(items):
        yield items[start:]


async def _fitting(server: Server, items: Sequence[Item]) -> list[Refused]:
    """Write in as many requests as it takes: proxies allow less than servers do."""
    try:
        return await _persistently(server, items)
    except RequestTooLarge as error:
        if len(items) == 1:
            return [Refused(items[0], str(error))]
    middle = len(items) // 2
    return [*await _fitting(server, items[:middle]), *await _fitting(server, items[middle:])]


async def _persistently(server: Server, items: Sequence[Item]) -> list[Refused]:
    refused: list[Refused] = []
    why = ""
    for pause in (*_PAUSES, None):
        items, why, never = await _try(server, items)
        refused += never
        if not items:
            return refused
        if pause is not None:
            await asyncio.sleep(pause.total_seconds())
    raise StoreUnavailable(f"OpenSearch at `{server.address}` {why}")


async def _try(server: Server, items: Sequence[Item]) -> tuple[Sequence[Item], str, list[Refused]]:
    """Write once; return what to try again, why that is, and what can never be written."""
    body = b"\n".join([line for item in items for line in (item.action, item.document) if line] + [b""])
    answer = await server.call(lambda client: client.bulk(body=body, params=_ANSWER))
    again: list[Item] = []
    refused: list[Refused] = []
    why = ""
    for item, result in zip(items, answer["items"], strict=True):
        ((kind, said),) = result.items()
        status = said["status"]
        if status in _DONE or (status == _MISSING and kind == "delete"):
            continue
        if (status == 429 or status >= 500) and not is_blocked(said):
            again.append(item)
            why = f"has more to do than it can (status {status}): {reason_of(said)}; try again"
        elif status == 400:
            refused.append(Refused(item, f"status {status}: {reason_of(said)}"))
        else:
            raise refusal(said, server.address)
    return again, why, refused
