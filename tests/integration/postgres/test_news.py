"""What one process writes is news to another: at once, and with the names of the events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.integration.postgres.conftest import Opened
from wfe.model.signals import CancelRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import Published
from wfe.providers.postgres import PostgresStore
from wfe.testing.builders import NOON, a_decision, an_instance, the_next

pytestmark = pytest.mark.integration


@asynccontextmanager
async def two(opened: Opened) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """A store that writes and one that listens, in which an instance `i1` runs and no news is left."""
    async with opened() as writing, opened() as listening:
        await listening.store.changes()
        await writing.store.create(a_decision(an_instance("i1")))
        await news(listening.store)
        yield writing.store, listening.store


async def news(store: PostgresStore, *, within: float = 30) -> Published:
    async with asyncio.timeout(within):
        return await store.changes()


async def test_the_names_of_events_are_told(opened: Opened) -> None:
    async with two(opened) as (writing, listening):
        odd = [("e", "\0"), ("e", "half \ud83d"), ("", "ключ")]
        for name, key in odd:
            await writing.publish(name, key, None, now=NOON)
        heard: set[tuple[str, str]] = set()
        while len(heard) < len(odd):
            heard |= await news(listening) or set()
        assert heard == set(odd)


async def test_more_names_than_can_be_told_are_any(opened: Opened) -> None:
    async with two(opened) as (writing, listening):
        await asyncio.gather(*(writing.publish("e", "k" * 50 + str(n), None, now=NOON) for n in range(300)))
        assert await news(listening) is None


async def test_a_signal_brings_no_event(opened: Opened) -> None:
    async with two(opened) as (writing, listening):
        await writing.post("i1", CancelRequested())
        assert await news(listening) == frozenset()


@pytest.mark.parametrize("status", [InstanceStatus.RUNNING, InstanceStatus.COMPLETE])
async def test_a_save_is_news(opened: Opened, status: InstanceStatus) -> None:
    async with two(opened) as (writing, listening):
        await writing.save(the_next(an_instance("i1")(), status=status))
        assert await news(listening) == frozenset()


async def test_what_was_said_while_nobody_could_hear_may_be_anything(opened: Opened) -> None:
    async with two(opened) as (writing, listening):
        async with writing.database.connection() as connection:
            await connection.fetch("SELECT pg_terminate_backend($1)", listening.database.news.backend)
        assert await news(listening) is None
