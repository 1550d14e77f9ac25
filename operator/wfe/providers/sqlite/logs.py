"""What steps wrote, in the database file."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from sqlite3 import Connection
from typing import Any, Final

from wfe.model.ids import AttemptKey
from wfe.model.times import from_micros, to_micros
from wfe.ports.log_pages import begin_of, is_wanted, page_of
from wfe.ports.logs import STREAMS, LogPage, LogQuery, LogRecord, Place, Segment, names_in
from wfe.providers.sqlite.database import Database
from wfe.providers.sqlite.statements import SQL, sql_for

_PAGE: Final = 500
_BEGINNING: Final = -(2**63)
_FILTERS: Final = {
    "instance": "instance = :instance",
    "workflow": "workflow = :workflow",
    "since": "written >= :since",
    "until": "written < :until",
    "written": "(written, instance, path, log_attempts.attempt, stream, start)"
    " > (:written, :behind, :path, :attempt, :stream, :start)",
}


class SqliteLogs:
    """Keeps the promise of `ports.logs.LogStore`; the database has to be open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, records: Sequence[LogRecord]) -> None:
        if records:
            await self._database.write(lambda connection: _append(connection, records), quiet=True)

    async def read(
        self, instance: str, *, step: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Segment]:
        # The order is found once, over numbers; bytes are fetched as they are asked for.
        first = to_micros(since) if since else _BEGINNING
        numbers = await self._database.read(lambda connection: _numbers(connection, instance, first, step))
        for start in range(0, len(numbers), _PAGE):
            page = numbers[start : start + _PAGE]
            found = await self._database.read(partial(_numbered, page))
            for number in page:
                if number in found:
                    yield found[number]

    async def search(self, query: LogQuery) -> LogPage:
        begin = begin_of(query.after)

        def work(connection: Connection) -> list[LogRecord]:
            kept = _select(connection, query, begin)
            return list(islice((one for one in kept if is_wanted(one, query)), query.limit + 1))

        return page_of(await self._database.read(work), query.limit)

    async def forget(self, instance: str) -> None:
        def work(connection: Connection) -> None:
            connection.execute(SQL["forget_segments"], (instance,))
            connection.execute(SQL["forget_attempts"], (instance,))

        await self._database.write(work, quiet=True)

    async def expire(self, *, before: datetime) -> None:
        def work(connection: Connection) -> None:
            expired = connection.execute(SQL["expire_segments"], (to_micros(before),)).fetchall()
            for number in {number for (number,) in expired}:
                connection.execute(SQL["expire_attempt"], {"number": number})

        await self._database.write(work, quiet=True)


def _append(connection: Connection, records: Sequence[LogRecord]) -> None:
    numbers: dict[AttemptKey, int] = {}
    rows: list[tuple[Any, ...]] = []
    for record in records:
        segment, key = record.segment, record.segment.key
        if key not in numbers:
            attempt = (key.instance, key.path, key.attempt, record.instance_name, record.workflow)
            numbers[key] = connection.execute(SQL["put_attempt"], attempt).fetchone()[0]
        stream, at = STREAMS.index(segment.stream), to_micros(segment.at)
        rows.append((numbers[key], stream, segment.offset, at, segment.data))
    connection.executemany(SQL["put_segment"], rows)


def _numbers(connection: Connection, instance: str, first: int, step: str | None) -> list[int]:
    rows = connection.execute(SQL["numbers_of_segments"], (instance, first))
    return [number for number, path in rows if step is None or step in names_in(path)]


def _numbered(numbers: Sequence[int], connection: Connection) -> dict[int, Segment]:
    rows = connection.execute(sql_for("numbered_segments", len(numbers)), numbers)
    return {number: _segment(*rest) for number, *rest in rows}


def _select(connection: Connection, query: LogQuery, place: Place | None) -> Iterator[LogRecord]:
    values: dict[str, Any] = {
        "instance": query.instance,
        "workflow": query.workflow,
        "since": to_micros(query.since) if query.since else None,
        "until": to_micros(query.until) if query.until else None,
    }
    names = ("written", "behind", "path", "attempt", "stream", "start")
    values.update(
        zip(names, (to_micros(place[0]), *place[1:]) if place else (None,) * len(names), strict=True)
    )
    chosen = [text for name, text in _FILTERS.items() if values[name] is not None] or ["TRUE"]
    sql = SQL["segments"].replace(":filters", " AND ".join(chosen))
    for *segment, name, workflow in connection.execute(sql, values):
        yield LogRecord(_segment(*segment), name, workflow)


def _segment(*row: Any) -> Segment:
    instance, path, attempt, stream, start, written, data = row
    return Segment(AttemptKey(instance, path, attempt), STREAMS[stream], start, data, from_micros(written))
