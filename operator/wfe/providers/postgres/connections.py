"""The connections of one process to one schema: lent one at a time, made when there are too few, replaced when lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import asyncpg

from wfe.errors import StoreUnavailable
from wfe.providers.postgres.address import Address
from wfe.providers.postgres.errors import in_our_words, translated
from wfe.providers.postgres.statements import SQL

ANSWER_WITHIN: Final = timedelta(seconds=60)
PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)


class Connections:
    """A pool that costs nothing while it has what is asked for: the one lent last is lent first.

    The library's own resets what each borrower may have set. Ours set nothing.
    """

    def __init__(self, address: Address, *, patience: timedelta) -> None:
        self._address = address
        self._patience = patience.total_seconds()
        self._idle: list[asyncpg.Connection] = []
        self._room = asyncio.Semaphore(address.connections)
        self._lent: set[asyncpg.Connection] = set()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection. What the client library raises inside is raised in our words.

        Raises:
            StoreUnavailable: there is none to be had, after some patience.
            StoreUnusable: the server refuses us.
        """
        async with self._room:
            connection = await self._one()
            self._lent.add(connection)
            try:
                with in_our_words(self._address):
                    yield connection
            except Exception:
                self._take_back(connection)
                raise
            except BaseException:
                # A cancelled statement may still be under way.
                connection.terminate()
                raise
            else:
                self._take_back(connection)
            finally:
                self._lent.discard(connection)

    def _take_back(self, connection: asyncpg.Connection) -> None:
        if connection.is_closed():
            return
        if connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    async def _one(self) -> asyncpg.Connection:
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        attempt = 0
        while True:
            try:
                return await self._new()
            except Exception as error:
                other = translated(error, self._address)
                if not isinstance(other, StoreUnavailable) or loop.time() >= until:
                    raise other from error
            await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1
            if self._idle:
                return await self._one()

    async def _new(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self._address.dsn,
            timeout=self._patience,
            command_timeout=ANSWER_WITHIN.total_seconds(),
            statement_cache_size=self._address.cached_statements,
            server_settings={"application_name": "wfe"}
            if "application_name" not in self._address.dsn
            else None,
        )
        try:
            await connection.fetch(SQL["prepare_session"], self._address.schema)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def close(self) -> None:
        """Wait, with some patience, until all connections are back; disconnect."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                for _ in range(self._address.connections):
                    await self._room.acquire()
        for connection in self._lent:
            connection.terminate()
        idle, self._idle = self._idle, []
        for connection in idle:
            with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=self._patience)
