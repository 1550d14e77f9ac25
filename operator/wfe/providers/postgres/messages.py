"""Signals that wait for an instance, and published events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wfe.errors import NotFound
from wfe.model import codec
from wfe.model.event import Event
from wfe.model.signals import Signal
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.words import digest, kept, lock_number


@dataclass(frozen=True, slots=True)
class Post:
    """A signal on its way."""

    instance: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """An event on its way."""

    name: str
    key: str
    payload: bytes
    now: datetime


async def post_all(database: Database, posts: Sequence[Post]) -> Sequence[int | Exception]:
    """Leave signals; return their numbers, in their order."""
    news = database.news
    rows = await database.fetch(
        "post",
        [kept(post.instance) for post in posts],
        [post.body for post in posts],
        news.channel,
        news.words(),
    )
    if rows:
        news.wrote(is_told=True)
    numbers = {row["place"]: row["sequence"] for row in rows}
    return [
        numbers.get(place)
        or NotFound(f"there is no instance `{post.instance}`, so nothing can be told to it")
        for place, post in enumerate(posts, 1)
    ]


async def inbox(database: Database, instance: str) -> list[tuple[int, Signal]]:
    rows = await database.fetch("inbox", kept(instance))
    return [(row["sequence"], codec.decode_signal(row["body"])) for row in rows]


async def inboxes(database: Database) -> list[str]:
    return [row["id"] for row in await database.fetch("inboxes")]


async def publish_all(database: Database, publications: Sequence[Publication]) -> Sequence[int | Exception]:
    """Keep events; return their sequence numbers, in their order."""
    rows = await database.fetch("publish", *columns_of(database, publications))
    database.news.wrote([(one.name, one.key) for one in publications], is_told=True)
    numbers = {row["place"]: row["sequence"] for row in rows}
    return [numbers[place] for place in range(1, len(publications) + 1)]


def columns_of(database: Database, publications: Sequence[Publication]) -> list[Any]:
    """Return the values of the statement `publish`: the locks to take, the events, the news."""
    topics = [(one.name, one.key) for one in publications]
    return [
        sorted({lock_number("events of wfe", database.address.schema, *topic) for topic in topics}),
        [digest(*topic) for topic in topics],
        [kept(name) for name, _ in topics],
        [kept(key) for _, key in topics],
        [one.now for one in publications],
        [one.payload for one in publications],
        database.news.channel,
        database.news.words(topics),
    ]


async def first_event(
    database: Database, name: str, key: str, after: int, since: datetime | None
) -> Event | None:
    row = await database.fetch_one("first_event", digest(name, key), after, since)
    if row is None:
        return None
    return Event(
        sequence=row["sequence"],
        name=name,
        key=key,
        payload=codec.load_json(row["payload"].decode()),
        published_at=row["published"],
    )


async def expire(database: Database, before: datetime) -> int:
    row = await database.fetch_one("expire_events", before)
    return int(row[0]) if row else 0
