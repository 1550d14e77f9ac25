"""The connection to a server: one client, whose errors are ours."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import SerializationError
from opensearchpy.serializer import JSONSerializer

from wfe.errors import StoreUnavailable
from wfe.providers.opensearch.address import Address
from wfe.providers.opensearch.errors import OpenSearchUnusable, translated

# The client tells of each request that fails, and so do our errors, better.
logging.getLogger("opensearch").addHandler(logging.NullHandler())
OLDEST: Final = (2, 0)
_CONNECTIONS: Final = 8
Json = Mapping[str, Any]


class Answers(JSONSerializer):
    """Reads answers: the one to a bulk has a word on each line, which the client's own way takes longer to read
    than we take to write them.
    """

    def loads(self, data: str) -> Any:
        try:
            return msgspec.json.decode(data)
        except ValueError as error:
            raise SerializationError(data, error) from error


class Server:
    """What search and logs share."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: AsyncOpenSearch | None = None

    @property
    def is_open(self) -> bool:
        return self._client is not None

    async def open(self, prepare: "Callable[[Server], Awaitable[None]]") -> None:
        """Connect, see who answers, and prepare the server; nothing is open if that does not succeed.

        Raises:
            StoreUnavailable: the same call may succeed later.
            OpenSearchUnusable: it will not.
        """
        self._client = _client(self.address)
        try:
            _check(self.address, await self.call(lambda client: client.info()))
            await prepare(self)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def call(self, request: Callable[[AsyncOpenSearch], Awaitable[Any]]) -> Any:
        """Make a request and return the answer.

        Raises:
            StoreUnavailable: the same call may succeed later.
            OpenSearchUnusable: it will not.
        """
        if self._client is None:
            raise StoreUnavailable(f"OpenSearch at `{self.address}` is not open; call `open()` first")
        with translated(self.address):
            return await request(self._client)

    async def found(self, index: str, body: Json, *, fresh: bool = False) -> Sequence[Json]:
        """Return the hits of a search in an index, which may be a pattern and may not exist.

        `fresh` looks at all that was written, which costs the server time.
        """
        if fresh:
            await self.refresh(index)
        answer = await self.call(
            lambda client: client.search(
                index=index,
                body={**body, "track_total_hits": False},
                params={"ignore_unavailable": "true", "allow_partial_search_results": "false"},
            )
        )
        hits: Sequence[Json] = answer["hits"]["hits"]
        return hits

    async def refresh(self, index: str) -> None:
        """Let everything be found that was written."""
        await self.call(
            lambda client: client.indices.refresh(index=index, params={"ignore_unavailable": "true"})
        )


def _client(address: Address) -> AsyncOpenSearch:
    host = {"host": address.host, "port": address.port, "use_ssl": address.tls}
    if address.path:
        host["url_prefix"] = address.path
    tls: dict[str, Any] = {}
    if address.tls:
        files = {"ca_certs": address.ca, "client_cert": address.cert, "client_key": address.key}
        tls = {name: path for name, path in files.items() if path}
        tls |= {"verify_certs": address.verify, "ssl_show_warn": False}
    auth = (address.user, address.password) if address.user else None
    # Trying again is the business of whoever calls: a batch of lines waits, a person does not.
    return AsyncOpenSearch(
        [host],
        http_auth=auth,
        timeout=address.timeout.total_seconds(),
        max_retries=0,
        pool_maxsize=_CONNECTIONS,
        serializer=Answers(),
        **tls,
    )


def _check(address: Address, info: Json) -> None:
    said = info.get("version", {})
    number = str(said.get("number", ""))
    if said.get("distribution") != "opensearch":
        raise OpenSearchUnusable(f"what answers at `{address}` is not OpenSearch; name the URL of one")
    version = tuple(int(part) for part in number.split(".")[:2] if part.isdecimal())
    if version < OLDEST:
        raise OpenSearchUnusable(
            f"OpenSearch at `{address}` is version {number}, and WFE needs {OLDEST[0]} or later; upgrade it"
        )
