"""Connections to one server: each call ends in time, and connects again where the server has gone away.

What was asked for just before a connection broke is asked for once more. So it may happen twice, which the callers'
promises allow: a lease acquired again is the same, and a key that nobody knows he took is due again after its claim.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from wfe.errors import Permanent, StoreUnavailable
from wfe.providers.valkey.address import Address
from wfe.providers.valkey.errors import translated
from wfe.providers.valkey.scripts import SCRIPTS

T = TypeVar("T")
CONNECTIONS: Final = 32
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)


class Server:
    """The server at one address, as long as it is open."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Redis | None = None
        self._scripts: dict[str, Callable[..., Awaitable[Any]]] = {}

    async def open(self) -> None:
        """Connect; nothing if that is done."""
        if self._client is not None:
            return
        client = _client(self.address)
        try:
            await self._persistently(client.ping, self.address.timeout)
        except BaseException:
            await client.aclose(close_connection_pool=True)
            raise
        self._client = client
        self._scripts = {name: client.register_script(text) for name, text in SCRIPTS.items()}

    async def close(self) -> None:
        """Disconnect; nothing if that is done."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose(close_connection_pool=True)

    def key(self, *parts: str) -> str:
        """Return the name of a key of ours."""
        return ":".join((f"{{{self.address.prefix}}}", *parts))

    async def run(self, script: str, keys: Sequence[str], *arguments: str | int) -> Any:
        """Run a script, and load it first where the server does not have it.

        Raises:
            StoreUnavailable: the server cannot be reached, does not answer, or cannot do it now.
            Permanent: it will not do it; the text says why and the way out.
        """
        self._opened()
        return await self._persistently(lambda: self._scripts[script](keys, arguments), self.address.timeout)

    async def heard(self, stream: str, after: str, within: timedelta) -> bool:
        """Return True once the stream has an entry later than `after`, False if it gets none in that time."""
        client = self._opened()
        block = max(1, round(within.total_seconds() * 1000))
        entries = await self._persistently(
            lambda: client.xread({stream: after}, count=1, block=block), within + self.address.timeout
        )
        return bool(entries)

    def _opened(self) -> Redis:
        if self._client is None:
            raise StoreUnavailable(f"{self.address} is not connected; call `open()` first")
        return self._client

    async def _persistently(self, call: Callable[[], Awaitable[T]], within: timedelta) -> T:
        try:
            async with asyncio.timeout(within.total_seconds()):
                for pause in _PAUSES:
                    try:
                        return await call()
                    except exceptions.ConnectionError as error:
                        if isinstance(translated(error, str(self.address)), Permanent):
                            raise
                    await asyncio.sleep(pause)
                return await call()
        except (TimeoutError, exceptions.RedisError) as error:
            raise translated(error, str(self.address)) from error


def _client(address: Address) -> Redis:
    options: dict[str, Any] = {"connection_class": Connection}
    if address.tls:
        options = {
            "connection_class": SSLConnection,
            "ssl_ca_certs": address.ca,
            "ssl_check_hostname": True,
        }
    return Redis(
        connection_pool=BlockingConnectionPool(
            host=address.host,
            port=address.port,
            db=address.database,
            username=address.user,
            password=address.password,
            client_name="wfe",
            decode_responses=True,
            protocol=2,
            # Time limits and repetitions are ours: they span the whole of a call.
            socket_timeout=None,
            socket_connect_timeout=None,
            timeout=None,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
            **options,
        )
    )
