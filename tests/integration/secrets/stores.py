"""A place of a test's own on each server, and all that is there as bytes."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from redis.asyncio import Redis

from tests.contract.opensearch_prefix import ask
from tests.integration.opensearch.prefix import a_prefix


@dataclass(frozen=True)
class Place:
    """Where a server keeps what is ours."""

    name: str
    url: str
    content: Callable[[], Coroutine[None, None, bytes]]


def _bytes_of(values: Any) -> bytes:
    """Return values in a row, those that are bytes as they are."""
    match values:
        case bytes():
            return values
        case dict():
            return b"\n".join(_bytes_of(each) for pair in values.items() for each in pair)
        case list() | tuple() | set():
            return b"\n".join(map(_bytes_of, values))
        case _:
            return str(values).encode("utf-8", "surrogateescape")


@contextmanager
def of_postgres(server: str) -> Iterator[Place]:
    """Yield a schema, and its history's, which go afterwards."""
    schema = f"canary_{time.time_ns()}"

    async def content() -> bytes:
        connection = await asyncpg.connect(server)
        try:
            tables = await connection.fetch(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE $1",
                f"{schema}%",
            )
            found = [await connection.fetch(f"SELECT * FROM {table}") for (table,) in tables]  # noqa: S608  # quoted
            return _bytes_of([tuple(row) for rows in found for row in rows])
        finally:
            await connection.close()

    async def drop() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema}, {schema}_history CASCADE")
        await connection.close()

    try:
        yield Place("PostgreSQL", f"{server}?schema={schema}", content)
    finally:
        asyncio.run(drop())


@contextmanager
def of_opensearch(server: str) -> Iterator[Place]:
    """Yield a prefix that is empty before and after."""
    name = f"canary{time.time_ns()}"

    async def content() -> bytes:
        ask(server, "POST", f"/it-{name}-*/_refresh")
        answer = ask(server, "GET", f"/it-{name}-*/_search?size=10000")
        found = [hit["_source"] for hit in answer["hits"]["hits"]]
        # What JSON escapes is looked for as it is, too.
        return _bytes_of(found) + json.dumps(answer).encode()

    with a_prefix(server, name) as url:
        yield Place("OpenSearch", url, content)


@contextmanager
def of_valkey(server: str) -> Iterator[Place]:
    """Yield a prefix whose keys go afterwards."""
    prefix = f"canary-{time.time_ns()}"

    async def content() -> bytes:
        async with Redis.from_url(server) as client:
            keys = [key async for key in client.scan_iter(f"{{{prefix}}}:*")]
            # The stored form of a key, as it would be written to a file.
            return b"\n".join(keys + [await client.dump(key) or b"" for key in keys])

    async def drop() -> None:
        async with Redis.from_url(server) as client:
            async for key in client.scan_iter(f"{{{prefix}}}:*"):
                await client.delete(key)

    try:
        yield Place("Valkey", f"{server}?prefix={prefix}", content)
    finally:
        asyncio.run(drop())
