"""Reading instances, and deleting them."""

from collections.abc import Sequence
from typing import Any

from wfe.model import codec
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.ports.store import Query, Summary
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.saves import restored
from wfe.providers.postgres.statements import SQL
from wfe.providers.postgres.words import kept


async def load(database: Database, instance: str) -> Instance | None:
    rows = dict(map(tuple, await database.fetch("load", kept(instance))))
    head = rows.pop(None, None)
    return None if head is None else codec.decode(head, dict(restored(*part) for part in rows.items()))


async def resolve_all(database: Database, words: Sequence[str]) -> Sequence[str | None]:
    """Return the ids of the instances with these ids or names, in their order."""
    rows = await database.fetch("resolve", [kept(word) for word in words])
    found: dict[str, str | None] = {row["word"]: row["id"] for row in rows}
    return [found[kept(word)] for word in words]


async def unfinished(database: Database) -> list[str]:
    return [row["id"] for row in await database.fetch("unfinished")]


async def history(database: Database, instance: str) -> list[StepRecord]:
    return [codec.decode_record(row["body"]) for row in await database.fetch("history", kept(instance))]


async def listed(database: Database, query: Query) -> list[Summary]:
    """Return a page."""
    text, values = _statement(query)
    return [Summary.of(codec.decode_head(row["head"])) for row in await database.fetch_text(text, *values)]


def _statement(query: Query) -> tuple[str, Sequence[Any]]:
    before = query.before
    filters: list[tuple[str, Sequence[Any]]] = [
        (text, values)
        for text, values in (
            ("workflow = $?", (query.workflow,)),
            ("reference = $?", (query.reference,)),
            ("parent = $?", (query.parent,)),
            ("(created, id) < ($?, $?)", (before.created_at, before.id) if before else (None,)),
        )
        if values != (None,)
    ]
    if query.roots_only:
        filters.append(("parent IS NULL", ()))
    given: list[Any] = [query.limit]
    if query.statuses:
        given.append([status.value for status in query.statuses])
    text = " AND ".join(text for text, _ in filters) or "TRUE"
    for value in (value for _, values in filters for value in values):
        given.append(kept(value) if isinstance(value, str) else value)
        text = text.replace("$?", f"${len(given)}", 1)
    return SQL["list_by_status" if query.statuses else "list"].replace(":filters", text), given


async def delete(database: Database, instance: str) -> bool:
    async with database.connection() as connection, connection.transaction():
        number = await connection.fetchval(SQL["delete_instance"], kept(instance))
        if number is None:
            return False
        await connection.fetch(SQL["delete_belongings"], number, kept(instance))
    database.news.wrote(is_told=False)
    return True
