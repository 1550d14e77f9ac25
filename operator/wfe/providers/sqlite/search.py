"""Documents in the database file, their words in an FTS5 index.

What users type reaches FTS5 as quoted strings of letters and digits, and nothing else of its grammar.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from wfe.model.forms import Form
from wfe.model.times import to_micros
from wfe.ports.pages import page_after, place_of
from wfe.ports.search import Document, SearchPage, SearchQuery
from wfe.ports.store import Summary
from wfe.ports.words import wanted, words_of
from wfe.providers.sqlite.database import Database
from wfe.providers.sqlite.statements import SQL, sql_for

_FORM: Final = Form(Summary)
_NAME: Final = "json_extract(CAST(summary AS TEXT), '$.name')"


class SqliteSearch:
    """Keeps the promise of `ports.search.Search`; the database has to be open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, documents: Sequence[Document]) -> None:
        rows = [(_row(document), " ".join(words_of(document.text))) for document in documents]

        def work(connection: Connection) -> None:
            for row, words in rows:
                _put(connection, row, words)

        await self._database.write(work, quiet=True)

    async def remove(self, instances: Sequence[str]) -> None:
        def work(connection: Connection) -> None:
            for instance in instances:
                _remove(connection, instance)

        await self._database.write(work, quiet=True)

    async def kept(self, instances: Sequence[str]) -> Sequence[Summary]:
        if not instances:
            return []
        sql = sql_for("documents", len(instances))
        rows = await self._database.read(lambda connection: connection.execute(sql, instances).fetchall())
        return [_FORM.decode(body) for (body,) in rows]

    async def find(self, query: SearchQuery) -> SearchPage:
        filters, values = _conditions(query)
        sql = SQL["find"].replace(":filters", " AND ".join(filters) or "TRUE")
        values["limit"] = query.limit + 1
        bodies = await self._database.read(lambda connection: connection.execute(sql, values).fetchall())
        page = [_FORM.decode(body) for (body,) in bodies[: query.limit]]
        return SearchPage(page, _after(page[-1]) if len(bodies) > query.limit else None)


def _put(connection: Connection, row: tuple[Any, ...], words: str) -> None:
    id_, *_, revision, _ = row
    known = connection.execute(SQL["document"], (id_,)).fetchone()
    if known is not None and known[1] > revision:
        return
    number = connection.execute(SQL["put_document"], row).fetchone()[0]
    connection.execute(SQL["remove_words"], (number,))
    connection.execute(SQL["put_words"], (number, words))


def _remove(connection: Connection, instance: str) -> None:
    known = connection.execute(SQL["document"], (instance,)).fetchone()
    if known is not None:
        connection.execute(SQL["remove_words"], known[:1])
        connection.execute(SQL["remove_document"], known[:1])


def _row(document: Document) -> tuple[Any, ...]:
    one = document.summary
    created = to_micros(one.created_at)
    return (
        one.id,
        one.workflow.id,
        one.reference,
        one.status.value,
        created,
        one.revision,
        _FORM.encode(one),
    )


def _conditions(query: SearchQuery) -> tuple[list[str], dict[str, Any]]:
    """Return what a row has to satisfy, and the values that this names."""
    created, after = place_of(query.after, int, str) if query.after is not None else (None, None)
    statuses = {f"status{number}": status.value for number, status in enumerate(query.statuses)}
    among = ", ".join(f":{name}" for name in statuses)
    filters: dict[str, tuple[str, Any]] = {
        "words": (
            "number IN (SELECT rowid FROM document_words WHERE document_words MATCH :words)",
            _match(query.text),
        ),
        "workflow": ("workflow = :workflow", query.workflow),
        "reference": ("reference = :reference", query.reference),
        "name": (f"{_NAME} = :name", query.name),
        "namespace": (f"substr({_NAME}, 1, length(:namespace) + 1) = :namespace || '/'", query.namespace),
        "parent": ("json_extract(CAST(summary AS TEXT), '$.parent') = :parent", query.parent),
        "since": ("created >= :since", to_micros(query.since) if query.since else None),
        "until": ("created < :until", to_micros(query.until) if query.until else None),
        "created": ("(created, id) < (:created, :after)", created),
    }
    chosen = [text for text, value in filters.values() if value is not None]
    values = {name: value for name, (_, value) in filters.items()}
    return [*chosen, *([f"status IN ({among})"] if statuses else [])], {**values, **statuses, "after": after}


def _after(last: Summary) -> str:
    return page_after(to_micros(last.created_at), last.id)


def _match(text: str) -> str | None:
    words = [f'"{one.word}"{"*" if one.is_prefix else ""}' for one in wanted(text)]
    return " AND ".join(words) or None
