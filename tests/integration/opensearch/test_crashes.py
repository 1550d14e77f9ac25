"""A server that hangs, or is killed while it is written to: nothing is lost, and nothing is there twice.

One test, since a server of one's own takes its time to start.
"""

import asyncio

import pytest

from tests.integration.opensearch.prefix import count
from tests.integration.servers import OwnServer
from wfe import providers
from wfe.errors import Retryable
from wfe.ports.logs import LogRecord, LogStore
from wfe.ports.search import Search
from wfe.testing.logs_contract import lines, read
from wfe.testing.search_contract import a_document, ids

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


async def persistently(logs: LogStore, batch: list[LogRecord], failed: asyncio.Event) -> None:
    """Append as the shipper does."""
    while True:
        try:
            await logs.append(batch)
        except Retryable:
            failed.set()
            await asyncio.sleep(0.05)
        else:
            return


async def hang(server: OwnServer, logs: LogStore) -> None:
    await logs.append(lines(5, instance="hung"))
    server.pause()
    try:
        with pytest.raises(Retryable, match="has not answered within 3 s"):
            await logs.append(lines(20, instance="hung"))
    finally:
        server.resume()
    await persistently(logs, lines(20, instance="hung"), asyncio.Event())
    assert len(await read(logs, "hung")) == 20


async def kill_in_the_middle(server: OwnServer, logs: LogStore, batches: list[list[LogRecord]]) -> None:
    failed = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for batch in batches:
            group.create_task(persistently(logs, batch, failed))
        # The requests are on their way; some are answered, some are not.
        await asyncio.sleep(0.05)
        server.kill()
        await failed.wait()
        await asyncio.to_thread(server.start)


async def check_documents(search: Search) -> None:
    await search.put([a_document(f"i{number}", "old", revision=2) for number in range(50)])
    assert len(await ids(search, text="word")) == 50


async def test_nothing_is_lost_and_nothing_is_twice(an_opensearch: OwnServer) -> None:
    provider = providers.find(f"{an_opensearch.url}?refresh=50ms&timeout=3s")
    await provider.open()
    logs, search = provider.logs, provider.search
    assert logs
    assert search
    await hang(an_opensearch, logs)
    await search.put([a_document(f"i{number}", "word", revision=3) for number in range(50)])
    records = [*lines(4000), *lines(4000, path="test"), *lines(4000, instance="i2")]
    batches = [records[start : start + 500] for start in range(0, len(records), 500)]
    await kill_in_the_middle(an_opensearch, logs, batches)
    assert count(an_opensearch.url, "wfe-logs-*") == len(records) + 20
    assert len(await read(logs)) == 8000
    assert await read(logs, "i2") == [record.segment for record in records[8000:]]
    await check_documents(search)
    await provider.close()
