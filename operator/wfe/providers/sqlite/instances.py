"""Reading instances, and deleting them."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from sqlite3 import Connection
from typing import Any

from wfe.model import codec
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.model.times import to_micros
from wfe.ports.store import Query, Summary
from wfe.providers.sqlite.statements import SQL


def load(connection: Connection, instance: str) -> Instance | None:
    rows = dict(connection.execute(SQL["load"], {"id": instance}))
    head = rows.pop(None, None)
    return None if head is None else codec.decode(head, rows)


def resolve(connection: Connection, id_or_name: str) -> str | None:
    (found,) = connection.execute(SQL["resolve"], {"name": id_or_name}).fetchone()
    return None if found is None else str(found)


def unfinished(connection: Connection) -> list[str]:
    return [id_ for (id_,) in connection.execute(SQL["unfinished"])]


def history(connection: Connection, instance: str) -> list[StepRecord]:
    return [codec.decode_record(body) for (body,) in connection.execute(SQL["history"], (instance,))]


def listed(connection: Connection, query: Query) -> list[Summary]:
    """Return a page. Each status has its own ordered index, so several are merged as they are read."""
    streams = [_with_status(connection, query, status) for status in query.statuses or [None]]
    together = merge(*streams, key=lambda one: (one.created_at, one.id), reverse=True)
    return list(islice(together, query.limit))


def _with_status(connection: Connection, query: Query, status: str | None) -> Iterator[Summary]:
    filters = {
        "status = :status": status,
        "workflow = :workflow": query.workflow,
        "reference = :reference": query.reference,
        "parent = :parent": query.parent,
        "parent IS NULL": query.roots_only or None,
        "(created, id) < (:created, :before)": query.before,
    }
    chosen = [text for text, value in filters.items() if value is not None] or ["TRUE"]
    values: dict[str, Any] = {
        "status": status,
        "workflow": query.workflow,
        "reference": query.reference,
        "parent": query.parent,
        "created": to_micros(query.before.created_at) if query.before else None,
        "before": query.before.id if query.before else None,
        "limit": query.limit,
    }
    for (head,) in connection.execute(SQL["list"].replace(":filters", " AND ".join(chosen)), values):
        yield Summary.of(codec.decode_head(head))


def delete(connection: Connection, instance: str) -> bool:
    row = connection.execute(SQL["number"], (instance,)).fetchone()
    if row is None:
        return False
    for name in ("delete_parts", "delete_history", "delete_inbox", "delete_activities", "delete_instance"):
        connection.execute(SQL[name], row)
    return True
