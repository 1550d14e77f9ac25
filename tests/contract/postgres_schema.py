"""A schema for each test on the PostgreSQL that tests share, and time that passes in it."""

import asyncio
import atexit
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg

from tests.integration.servers import url_of
from wfe.runtime.clock import SystemClock

_used: set[str] = set()


def url_of_postgres(directory: Path) -> str:
    """Return the URL of a schema that nobody else uses; it is not there yet, and goes when the next test begins."""
    server = url_of("postgres")
    schema = f"test_{sha256(str(directory).encode()).hexdigest()[:16]}"
    if schema not in _used:
        atexit.unregister(drop_used)
        atexit.register(drop_used, server)
        # Not all at the end: a process that takes long to end may be killed.
        drop_used(server)
        _used.add(schema)
    return f"{server}?schema={schema}"


def drop_used(server: str) -> None:
    """Drop the schemas of tests that have ended."""
    if _used:
        asyncio.run(_drop(server))
        _used.clear()


async def _drop(server: str) -> None:
    connection = await asyncpg.connect(server)
    for schema in sorted(_used):
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema}, {schema}_history CASCADE")
    await connection.close()


@dataclass
class PostgresTime:
    """The server's clock: time passes by moving what is kept into the past."""

    url: str

    def now(self) -> datetime:
        return SystemClock().now()

    async def pass_time(self, by: timedelta) -> None:
        server, _, schema = self.url.partition("?schema=")
        connection = await asyncpg.connect(server, server_settings={"search_path": schema})
        await connection.execute("UPDATE leases SET until = until - $1::interval", by)
        await connection.execute("UPDATE queue SET at = at - $1::interval, again = again - $1::interval", by)
        await connection.close()
