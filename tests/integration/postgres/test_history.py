"""The history in Postgres: partitions that come and go, several who write at once, plans that read one page."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.servers import OwnServer
from wfe import providers
from wfe.errors import StoreUnavailable
from wfe.model.status import InstanceStatus
from wfe.ports.mirror import Change, MirrorQuery
from wfe.providers.postgres import PostgresMirror, PostgresProvider
from wfe.providers.postgres.history.mirror import statement_of
from wfe.providers.postgres.history.partitions import SQL
from wfe.testing.builders import NOON, a_record
from wfe.testing.mirror_contract import MONTH, a_change

pytestmark = pytest.mark.integration

MakeMirror = Callable[[], AbstractAsyncContextManager[PostgresMirror]]
FAILED = frozenset({InstanceStatus.FAILED})


@pytest.fixture
def a_mirror(url: str) -> MakeMirror:
    """Open the mirror once more, as if in another process."""

    @asynccontextmanager
    async def make() -> AsyncIterator[PostgresMirror]:
        provider = providers.find(url)
        assert isinstance(provider, PostgresProvider)
        await provider.mirror.open()
        try:
            yield provider.mirror
        finally:
            await provider.mirror.close()

    return make


async def partitions(mirror: PostgresMirror) -> list[str]:
    async with mirror.connection() as connection:
        return [row["name"] for row in await connection.fetch(SQL["partitions"], "instances")]


async def test_it_is_beside_the_store_and_each_is_opened_by_itself(url: str, a_mirror: MakeMirror) -> None:
    provider = providers.find(url)
    async with a_mirror() as mirror:
        await provider.open()
        await mirror.put([a_change("i1")])
        assert provider.store
        assert await provider.store.load("i1") is None
        with pytest.raises(StoreUnavailable, match=r"the history .*_history` is not open"):
            await PostgresProvider(mirror.address).mirror.revisions([])
        await provider.close()


async def test_a_month_that_is_empty_goes_and_comes_again(a_mirror: MakeMirror) -> None:
    old = a_change("i1", a_record(0), created_at=NOON, finished_at=NOON)
    async with a_mirror() as one, a_mirror() as other:
        await one.put([old, a_change("i2", created_at=NOON + MONTH)])
        assert await partitions(one) == ["instances_2030_01", "instances_2030_02"]
        assert await other.purge(before=NOON + 3 * MONTH, limit=10) == 1
        assert await partitions(one) == ["instances_2030_02"]
        await one.put([old])  # it does not know that the month is gone
        assert await partitions(one) == ["instances_2030_01", "instances_2030_02"]
        assert await one.steps("i1") == [a_record(0)]


async def test_a_month_that_is_in_use_stays(a_mirror: MakeMirror) -> None:
    async with a_mirror() as mirror:
        await mirror.put([a_change("i1", created_at=NOON)])
        assert await mirror.purge(before=NOON + 9 * MONTH, limit=10) == 0
        assert await partitions(mirror) == ["instances_2030_01"]


async def test_those_who_write_the_same_at_once_end_with_the_newest(a_mirror: MakeMirror) -> None:
    changes = [
        a_change(f"i{n}", a_record(0, attempts=revision), revision=revision)
        for n in range(40)
        for revision in range(5)
    ]

    async def put(step: int) -> None:
        # Each in another order: the steps have no factor in common with the number of changes.
        mine = [changes[n * step % len(changes)] for n in range(len(changes))]
        async with a_mirror() as mirror:
            for start in range(0, len(mine), 20):
                await mirror.put(mine[start : start + 20])

    await asyncio.gather(*(put(step) for step in (1, 3, 7, 199)))
    async with a_mirror() as mirror:
        assert await mirror.revisions([f"i{n}" for n in range(40)]) == {f"i{n}": 4 for n in range(40)}
        assert [await mirror.steps(f"i{n}") for n in range(40)] == [[a_record(0, attempts=4)]] * 40


async def test_several_purge_at_once_and_each_takes_others(a_mirror: MakeMirror) -> None:
    ended = [a_change(f"i{n}", finished_at=NOON + timedelta(seconds=n)) for n in range(60)]
    async with a_mirror() as one, a_mirror() as other:
        await one.put(ended)
        counts = await asyncio.gather(
            *(mirror.purge(before=NOON + MONTH, limit=20) for mirror in (one, other))
        )
        left = [await one.purge(before=NOON + MONTH, limit=20) for _ in range(3)]
        assert sum(counts) + sum(left) == 60


@pytest.mark.parametrize(
    "query",
    [
        MirrorQuery(),
        MirrorQuery(roots_only=True),
        MirrorQuery(statuses=FAILED),
        MirrorQuery(workflow="pipeline"),
        MirrorQuery(namespace="here", statuses=FAILED, workflow="pipeline", since=NOON),
        MirrorQuery(reference="r"),
        MirrorQuery(parent="p"),
    ],
    ids=str,
)
async def test_a_page_is_read_from_an_index(a_mirror: MakeMirror, query: MirrorQuery) -> None:
    async with a_mirror() as mirror:
        await mirror.put([a_change("i1", created_at=NOON + n * MONTH) for n in range(3)])
        (*_, last) = [a_change("i1")]
        for asked in (query, replace(query, after=(await _a_page(mirror, last)))):
            text, values = statement_of(asked)
            async with mirror.connection() as connection:
                rows = await connection.fetch(f"EXPLAIN {text}", *values)
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan" not in plan, plan


async def _a_page(mirror: PostgresMirror, change: Change) -> str:
    await mirror.put([replace(change, instance=replace(change.instance, id=f"more{n}")) for n in range(2)])
    page = (await mirror.list(MirrorQuery(limit=1))).next
    assert page
    return page


async def test_a_server_that_was_away_is_told_again(a_postgres: OwnServer) -> None:
    provider = providers.find(a_postgres.url)
    assert isinstance(provider, PostgresProvider)
    mirror = provider.mirror
    await mirror.open()
    changes = [a_change("i1", a_record(0))]
    await mirror.put(changes)
    await asyncio.to_thread(a_postgres.kill)
    with pytest.raises(StoreUnavailable):
        await mirror.put([a_change("i2")])
    await asyncio.to_thread(a_postgres.start)
    await mirror.put([*changes, a_change("i2")])
    assert sorted(await mirror.revisions(["i1", "i2"])) == ["i1", "i2"]
    await mirror.close()
