"""Signals that wait for an instance, and published events."""

from datetime import datetime
from sqlite3 import Connection

from wfe.errors import NotFound
from wfe.model import codec
from wfe.model.event import Event
from wfe.model.signals import Signal
from wfe.model.times import from_micros, to_micros
from wfe.providers.sqlite.statements import SQL


def post(connection: Connection, instance: str, body: bytes) -> int:
    cursor = connection.execute(SQL["post"], {"id": instance, "body": body})
    if not cursor.rowcount or cursor.lastrowid is None:
        raise NotFound(f"there is no instance `{instance}`, so nothing can be told to it")
    return cursor.lastrowid


def inbox(connection: Connection, instance: str) -> list[tuple[int, Signal]]:
    rows = connection.execute(SQL["inbox"], (instance,))
    return [(sequence, codec.decode_signal(body)) for sequence, body in rows]


def inboxes(connection: Connection) -> list[str]:
    return [id_ for (id_,) in connection.execute(SQL["inboxes"])]


def publish(connection: Connection, name: str, key: str, payload: str, now: datetime) -> int:
    row = (_plain(name), _plain(key), to_micros(now), payload)
    return int(connection.execute(SQL["publish"], row).lastrowid or 0)


def first_event(
    connection: Connection, name: str, key: str, after: int, since: datetime | None
) -> Event | None:
    earliest = to_micros(since) if since else -(2**63)
    row = connection.execute(SQL["first_event"], (_plain(name), _plain(key), after, earliest)).fetchone()
    if row is None:
        return None
    sequence, published, payload = row
    return Event(
        sequence=sequence,
        name=name,
        key=key,
        payload=codec.load_json(payload),
        published_at=from_micros(published),
    )


def expire(connection: Connection, before: datetime) -> int:
    return connection.execute(SQL["expire_events"], (to_micros(before),)).rowcount


def _plain(text: str) -> str:
    """Return the text without half characters, which come out of users' JSON and have no place in UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
