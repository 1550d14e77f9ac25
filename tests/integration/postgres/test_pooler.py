"""What stands between us and the server may keep us from working, and then we say so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from tests.integration.postgres.conftest import Opened
from wfe import providers
from wfe.errors import StoreUnavailable
from wfe.providers.postgres import PostgresStore, StoreUnusable

pytestmark = pytest.mark.integration

NOTIFICATION = b"A"


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what a client says."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


async def pass_on_all_but(kind: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what the server says, message by message, but for one kind of message."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
            if head[:1] != kind:
                writer.write(head + body)
    writer.close()


@asynccontextmanager
async def without(kind: bytes, url: str) -> AsyncIterator[str]:
    """Yield a URL of the same server, through something that swallows one kind of message."""
    place = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(pass_on(reader, to_server), pass_on_all_but(kind, from_server, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"{url.replace(f':{place.port}/', f':{port}/')}&sslmode=disable"


async def test_without_notifications_nothing_is_opened(url: str) -> None:
    async with without(NOTIFICATION, url) as deaf:
        store = providers.find(deaf).store
        assert store
        with pytest.raises(
            StoreUnavailable, match="does not pass on notifications; if a pooler is in between"
        ):
            await store.open()


async def test_a_pooler_that_shares_connections_is_refused(opened: Opened) -> None:
    async with opened() as provider:
        assert isinstance(provider.store, PostgresStore)
        database = provider.store.database
        async with database.connection() as connection:
            await database.refuse_shared(connection)
            database.news.backend = await connection.fetchval("SELECT pg_backend_pid()")
            with pytest.raises(
                StoreUnusable, match="shared by transactions; let the pooler in between pool sessions"
            ):
                await database.refuse_shared(connection)
