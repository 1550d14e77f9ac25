"""Lists in pages, decoded into what their reader needs."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

import msgspec

from wfe.kube.errors import ApiGone
from wfe.kube.transport import Request, Transport

T = TypeVar("T")

METADATA_OF_ONE: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_OF_MANY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
ATTEMPTS: Final = 5


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    """Where in time a list stands, and how to go on with it."""

    resource_version: str = ""
    continuation: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of the objects."""

    metadata: ListMeta
    items: list[T] | None = None


async def pages(
    transport: Transport, request: Request, decode: Callable[[bytes], Page[T]]
) -> AsyncIterator[Page[T]]:
    """Yield page after page of one consistent list.

    Raises:
        ApiGone: the list took so long that its next page is gone.
    """
    asked, continuation = dict(request.params), ""
    while True:
        params = {**asked, "continue": continuation} if continuation else asked
        page = decode(await transport.call(replace(request, params=params)))
        yield page
        continuation = page.metadata.continuation
        if not continuation:
            return


async def every(transport: Transport, request: Request) -> AsyncIterator[dict[str, Any]]:
    """Yield each object once, and begin anew when the pages have expired.

    Raises:
        ApiGone: they did again and again, so the list is too long for its reader.
    """
    seen: set[tuple[str, str]] = set()
    decode = msgspec.json.Decoder(Page[dict[str, Any]]).decode
    for attempt in range(ATTEMPTS):
        try:
            async for page in pages(transport, request, decode):
                for item in page.items or ():
                    key = item["metadata"].get("namespace", ""), item["metadata"]["name"]
                    if key not in seen:
                        seen.add(key)
                        yield item
        except ApiGone:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return
