"""One schema of one database: its connections, and the news of what was written to it.

A connection that is lost is replaced when the next one is needed, with growing pauses while the server is away. A
statement whose connection is lost is not repeated here: nobody knows whether it happened, and the caller decides.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Final

import asyncpg

from wfe.errors import StoreUnavailable
from wfe.providers.postgres.address import Address
from wfe.providers.postgres.connections import Connections
from wfe.providers.postgres.errors import StoreUnusable
from wfe.providers.postgres.news import News
from wfe.providers.postgres.schema import migrate
from wfe.providers.postgres.statements import SQL

PATIENCE: Final = timedelta(seconds=5)


class Database:
    """What the store, the leases and the queue of one schema share."""

    def __init__(self, address: Address, *, patience: timedelta = PATIENCE) -> None:
        self.address = address
        self.news = News(self)
        self._patience = patience
        self._connections: Connections | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Connect, and bring the schema up to date; nothing if that is done.

        Raises:
            StoreUnavailable: the server cannot be reached now.
            StoreUnusable: the text says what has to be changed.
        """
        async with self._opening:
            if self._connections is not None:
                return
            self._connections = Connections(self.address, patience=self._patience)
            try:
                async with self.connection() as connection:
                    await self.news.open()
                    await self.refuse_shared(connection)
                    await migrate(connection, self.address)
            except BaseException:
                await self._disconnect()
                raise

    async def refuse_shared(self, connection: asyncpg.Connection) -> None:
        """Refuse a connection that ends at the same process of the server as the listening one."""
        if await connection.fetchval(SQL["backend"]) == self.news.backend:
            raise StoreUnusable(
                f"the connections to `{self.address.shown}` are shared by transactions; let the pooler in between pool "
                "sessions"
            )

    async def close(self) -> None:
        """Disconnect; nothing if that is done."""
        async with self._opening:
            await self._disconnect()

    async def _disconnect(self) -> None:
        await self.news.close()
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    def connection(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Lend a connection. What the client library raises inside is raised in our words.

        Raises:
            StoreUnavailable: there is none to be had, after some patience.
        """
        if self._connections is None:
            raise StoreUnavailable(f"the database `{self.address.shown}` is not open; call `open()` first")
        return self._connections.lent()

    async def fetch(self, name: str, *values: Any) -> Sequence[asyncpg.Record]:
        """Carry out the statement of that name as a transaction of its own."""
        return await self.fetch_text(SQL[name], *values)

    async def fetch_text(self, text: str, *values: Any) -> Sequence[asyncpg.Record]:
        async with self.connection() as connection:
            rows: Sequence[asyncpg.Record] = await connection.fetch(text, *values)
            return rows

    async def fetch_one(self, name: str, *values: Any) -> asyncpg.Record | None:
        """Carry out a statement; return its first row, or None."""
        rows = await self.fetch(name, *values)
        return rows[0] if rows else None
