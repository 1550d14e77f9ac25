"""One schema of one database: its connections, and the news of what was written to it.

A connection that is lost is replaced when the next one is needed, with growing pauses while the server is away. A
statement whose connection is lost is not repeated here: nobody knows whether it happened, and the caller decides.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

import asyncpg

from wfe.errors import StoreUnavailable
from wfe.providers.postgres.address import Address
from wfe.providers.postgres.errors import in_our_words, translated
from wfe.providers.postgres.news import News
from wfe.providers.postgres.schema import migrate
from wfe.providers.postgres.statements import SQL

PATIENCE: Final = timedelta(seconds=5)
ANSWER_WITHIN: Final = timedelta(seconds=60)
PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)


class Database:
    """What the store, the leases and the queue of one schema share."""

    def __init__(self, address: Address, *, patience: timedelta = PATIENCE) -> None:
        self.address = address
        self.news = News(self)
        self._patience = patience
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Connect, and bring the schema up to date; nothing if that is done.

        Raises:
            StoreUnavailable: the server cannot be reached now.
            StoreUnusable: the text says what has to be changed.
        """
        async with self._opening:
            if self._pool is None:
                self._pool = await self._new_pool()
                try:
                    async with self.connection() as connection:
                        await migrate(connection, self.address)
                    with in_our_words(self.address):
                        async with asyncio.timeout(self._patience.total_seconds()):
                            await self.news.open()
                except BaseException:
                    await self.news.close()
                    await self._disconnect()
                    raise

    async def _new_pool(self) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self.address.dsn,
            min_size=0,
            max_size=self.address.connections,
            statement_cache_size=self.address.cached_statements,
            command_timeout=ANSWER_WITHIN.total_seconds(),
            timeout=self._patience.total_seconds(),
            init=self._prepare,
            reset=_leave,
            max_inactive_connection_lifetime=0,
            server_settings={"application_name": "wfe"},
        )

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await connection.fetch(SQL["prepare_session"], self.address.schema)

    async def close(self) -> None:
        """Let what was asked for end, then disconnect."""
        async with self._opening:
            if self._pool is not None:
                await self.news.close()
                await self._disconnect()

    async def _disconnect(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection. What the client library raises inside is raised in our words.

        Raises:
            StoreUnavailable: there is none to be had, after some patience.
        """
        pool = self._pool
        if pool is None:
            raise StoreUnavailable(f"the database `{self.address.shown}` is not open; call `open()` first")
        connection = await self._acquired(pool)
        try:
            with in_our_words(self.address):
                yield connection
        finally:
            # A connection that was lost meanwhile has nothing to give back.
            with suppress(OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
                await pool.release(connection)

    async def _acquired(self, pool: asyncpg.Pool) -> asyncpg.Connection:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience.total_seconds()
        attempt = 0
        while True:
            try:
                return await pool.acquire(timeout=self._patience.total_seconds())
            except Exception as error:
                other = translated(error, self.address)
                if not isinstance(other, StoreUnavailable) or loop.time() >= until or self._pool is not pool:
                    raise other from error
            await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1

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


async def _leave(_: asyncpg.Connection) -> None:
    """Give a connection back as it is: what `prepare_session` set has to stay."""
