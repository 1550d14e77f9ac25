"""The schema is made, brought up to date, and refused where it is not for us."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.integration.postgres.conftest import Opened
from wfe import providers
from wfe.model.signals import CancelRequested
from wfe.providers.postgres import PostgresProvider, StoreUnusable
from wfe.providers.postgres.schema import known
from wfe.testing.builders import NOON, a_record
from wfe.testing.messages_contract import a_definition, an_offer
from wfe.testing.store_contract import a_full_instance

pytestmark = pytest.mark.integration
HERE = Path(__file__).parent
OLD = sorted(path.name for path in HERE.glob("schema_*.sql"))


async def carry_out(url: str, *statements: str) -> None:
    """Carry out statements as a neighbour would; `SCHEMA_` stands for the test's."""
    server, _, schema = url.partition("?schema=")
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement.replace("SCHEMA_", schema))
    finally:
        await connection.close()


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest, url: str) -> str:
    text = (HERE / str(request.param)).read_text("utf-8").replace("wfe_of_before", "SCHEMA_")
    asyncio.run(carry_out(url, text))
    return url


async def test_what_an_earlier_version_wrote_is_there(old: str, opened: Opened) -> None:
    async with opened() as provider:
        store = provider.store
        assert await store.load("full") == a_full_instance()()
        assert await store.history("full") == [a_record()]
        assert [signal for _, signal in await store.inbox("full")] == [CancelRequested()]
        event = await store.first_event("e", "k", after=0, since=None)
        assert event
        assert event.payload == {"n": 2**70}
        assert await store.definition("sha-source") == a_definition("w", 1, "source")
        claim = await store.claim_activity("approval", "w", now=NOON)
        assert claim
        assert claim.offer == an_offer()


async def test_what_an_earlier_version_lacks_is_added(old: str, opened: Opened) -> None:
    async with opened() as provider:
        lease = provider.leases("you", now=lambda: NOON)
        assert await lease.acquire("full", an_offer().claim) == 5
        queue = provider.queue(now=lambda: NOON)
        await queue.put("full", NOON - timedelta(days=10_000))
        assert [one.key for one in await queue.take(1, an_offer().claim)] == ["full"]


async def test_processes_that_bring_it_up_to_date_at_once_do_it_once(old: str, url: str) -> None:
    several = [providers.find(url) for _ in range(4)]
    await asyncio.gather(*(provider.open() for provider in several))
    await asyncio.gather(*(provider.close() for provider in several))


async def test_a_later_schema_is_refused(opened: Opened, url: str) -> None:
    async with opened():
        later = len(known()) + 1
        await carry_out(url, "INSERT INTO SCHEMA_.migrations SELECT max(version) + 1 FROM SCHEMA_.migrations")
    with pytest.raises(
        StoreUnusable, match=f"written by a later version of WFE .schema {later}, this one knows"
    ):
        async with opened():
            pass


async def test_a_schema_of_somebody_else_is_refused_and_left_alone(opened: Opened, url: str) -> None:
    await carry_out(url, "CREATE SCHEMA SCHEMA_", "CREATE TABLE SCHEMA_.theirs (x int)")
    with pytest.raises(StoreUnusable, match=r"belongs to another program; name another: `.schema=`"):
        async with opened():
            pass
    await carry_out(url, "DROP TABLE SCHEMA_.theirs", "DROP SCHEMA SCHEMA_")


async def test_an_empty_schema_that_somebody_made_for_us_is_used(opened: Opened, url: str) -> None:
    await carry_out(url, "CREATE SCHEMA SCHEMA_")
    async with opened() as provider:
        assert isinstance(provider, PostgresProvider)
        assert await provider.store.unfinished() == []
