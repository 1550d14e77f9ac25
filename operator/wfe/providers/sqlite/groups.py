"""Concurrency groups: compared and swapped by their whole text."""

from sqlite3 import Connection

from wfe.errors import Conflict
from wfe.model.concurrency import Group
from wfe.providers.sqlite.statements import SQL


def get(connection: Connection, key: str) -> Group:
    row = connection.execute(SQL["group"], (key,)).fetchone()
    return Group.of_text(row[0] if row else None)


def put(connection: Connection, key: str, before: Group, after: Group) -> None:
    if get(connection, key) != before:
        raise Conflict(f"concurrency group `{key}` is another by now")
    if not after.members:
        connection.execute(SQL["drop_group"], (key,))
    elif after != before:
        connection.execute(SQL["put_group"], (key, after.to_text()))
