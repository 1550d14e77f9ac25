"""Who follows the events of a topic by their numbers misses none, however late one is committed."""

import asyncio
from typing import Any

import pytest

from tests.integration.postgres.conftest import Opened
from wfe.providers.postgres.messages import Publication, columns_of
from wfe.providers.postgres.statements import SQL
from wfe.testing.builders import NOON

pytestmark = pytest.mark.integration

PUBLISHERS = 4
EACH = 25


async def followed(store: Any, count: int) -> list[Any]:
    """Take so many events of e/k, each after the one before, as a waiter does."""
    taken: list[Any] = []
    after = 0
    while len(taken) < count:
        if (event := await store.first_event("e", "k", after=after, since=None)) is None:
            await store.changes()
            continue
        taken.append(event.payload)
        after = event.sequence
    return taken


async def test_a_later_event_waits_for_one_that_is_not_committed(opened: Opened) -> None:
    async with opened() as one, opened() as other, opened() as third:
        database = one.store.database
        async with database.connection() as connection, connection.transaction():
            late = Publication("e", "k", b'"late"', NOON)
            await connection.fetch(SQL["publish"], *columns_of(database, [late]))
            next_one = asyncio.create_task(other.store.publish("e", "k", "next", now=NOON))
            elsewhere = await third.store.publish("e", "other", None, now=NOON)
            assert await other.store.first_event("e", "k", after=0, since=None) is None
            assert not next_one.done()
        assert (await next_one).sequence > elsewhere.sequence
        assert await followed(other.store, 2) == ["late", "next"]


async def test_of_many_publishers_none_is_missed(opened: Opened) -> None:
    async def publish(name: int) -> None:
        async with opened() as provider:
            for number in range(EACH):
                together = [provider.store.publish("e", key, [name, number], now=NOON) for key in "kxyz"]
                await asyncio.gather(*together)

    async with opened() as reader, asyncio.TaskGroup() as group:
        following = group.create_task(followed(reader.store, PUBLISHERS * EACH))
        for name in range(PUBLISHERS):
            group.create_task(publish(name))
    taken = following.result()
    assert sorted(taken) == [[name, number] for name in range(PUBLISHERS) for number in range(EACH)]
    for name in range(PUBLISHERS):
        assert [number for who, number in taken if who == name] == list(range(EACH)), "in the order of each"
