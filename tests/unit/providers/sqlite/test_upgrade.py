"""A database of an earlier version is brought up to date, and nothing in it is lost."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from wfe import providers
from wfe.model.concurrency import Group
from wfe.model.signals import CancelRequested
from wfe.ports.search import SearchQuery
from wfe.testing.builders import NOON, a_record
from wfe.testing.logs_contract import read
from wfe.testing.messages_contract import a_definition, an_offer
from wfe.testing.search_contract import a_document
from wfe.testing.store_contract import a_full_instance

HERE = Path(__file__).parent


@pytest.fixture(params=sorted(path.name for path in HERE.glob("schema_*.sql")))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.executescript((HERE / str(request.param)).read_text("utf-8"))
    return f"sqlite:{tmp_path}/x.db"


async def test_what_an_earlier_version_wrote_is_there(url: str) -> None:
    provider = providers.find(url)
    assert provider.store
    await provider.open()
    try:
        assert await provider.store.load("full") == a_full_instance()()
        assert await provider.store.history("full") == [a_record()]
        assert [signal for _, signal in await provider.store.inbox("full")] == [CancelRequested()]
        event = await provider.store.first_event("e", "k", after=0, since=None)
        assert event
        assert event.payload == {"n": 2**70}
        assert await provider.store.definition("sha-source") == a_definition("w", 1, "source")
        claim = await provider.store.claim_activity("approval", "w", now=NOON)
        assert claim
        assert claim.offer == an_offer()
    finally:
        await provider.close()


async def test_tokens_of_leases_go_on_growing(url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    try:
        leases = provider.leases("you", now=lambda: NOON + timedelta(days=1))
        assert leases
        assert await leases.acquire("full", timedelta(minutes=1)) == 5
    finally:
        await provider.close()


async def test_the_queue_is_there_and_empty(url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    try:
        queue = provider.queue(now=lambda: NOON)
        assert queue
        assert await queue.take(1, timedelta(minutes=1)) == []
        await queue.put("full", NOON)
        assert [one.key for one in await queue.take(1, timedelta(minutes=1))] == ["full"]
    finally:
        await provider.close()


async def test_search_and_logs_are_there_and_empty(url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    try:
        assert provider.search
        assert provider.logs
        assert (await provider.search.find(SearchQuery(text="word"))).found == []
        await provider.search.put([a_document("a", "word")])
        assert [one.id for one in (await provider.search.find(SearchQuery(text="word"))).found] == ["a"]
        assert await read(provider.logs) == []
    finally:
        await provider.close()


async def test_concurrency_groups_are_there_and_empty(url: str) -> None:
    provider = providers.find(url)
    assert provider.store
    await provider.open()
    try:
        assert await provider.store.group("k") == Group()
        await provider.store.put_group("k", Group(), Group(("full",)))
        assert await provider.store.group("k") == Group(("full",))
    finally:
        await provider.close()
