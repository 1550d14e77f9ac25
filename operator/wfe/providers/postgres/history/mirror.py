"""The mirror: what is put is one statement, a page of a list is read from an index that is in its order."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from wfe.errors import StoreUnavailable
from wfe.model import codec
from wfe.model.event import Event
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus
from wfe.ports.mirror import Change, Kept, MirrorPage, MirrorQuery, newest
from wfe.ports.pages import moment_of, page_after, place_of
from wfe.providers.postgres.address import Address
from wfe.providers.postgres.connections import Connections
from wfe.providers.postgres.history.partitions import OF_EVENTS, OF_INSTANCES, SQL, Partitions
from wfe.providers.postgres.history.rows import columns_of, event_columns, topic_of
from wfe.providers.postgres.schema import migrate
from wfe.providers.postgres.words import kept

PATIENCE: Final = timedelta(seconds=5)
_ALL: Final = tuple(InstanceStatus)


class PostgresMirror:
    """Keeps the promises of `wfe.ports.mirror.Mirror` in the schema `<schema>_history`."""

    def __init__(self, address: Address, *, patience: timedelta = PATIENCE) -> None:
        self.address = replace(address, schema=f"{address.schema}_history")
        self._patience = patience
        self._connections: Connections | None = None
        self._opening = asyncio.Lock()
        self._instances = Partitions(self.address.schema, OF_INSTANCES)
        self._events = Partitions(self.address.schema, OF_EVENTS)

    async def open(self) -> None:
        async with self._opening:
            if self._connections is not None:
                return
            connections = Connections(self.address, patience=self._patience)
            try:
                async with connections.lent() as connection:
                    await migrate(connection, self.address, __package__)
            except BaseException:
                await connections.close()
                raise
            self._connections = connections

    async def close(self) -> None:
        async with self._opening:
            connections, self._connections = self._connections, None
            if connections is not None:
                await connections.close()

    def connection(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Lend a connection, as `Connections.lent` does."""
        if self._connections is None:
            raise StoreUnavailable(f"the history `{self.address.shown}` is not open; call `open()` first")
        return self._connections.lent()

    async def _fetch(self, text: str, *values: Any) -> Sequence[asyncpg.Record]:
        async with self.connection() as connection:
            rows: Sequence[asyncpg.Record] = await connection.fetch(text, *values)
            return rows

    async def put(self, changes: Sequence[Change]) -> None:
        # In one order everywhere, so that two who put the same wait for each other, and never both.
        ordered = sorted(newest(changes), key=lambda change: (change.instance.created_at, change.instance.id))
        moments = [change.instance.created_at for change in ordered]
        await self._put(self._instances, moments, "put", columns_of(ordered))

    async def put_events(self, namespace: str, events: Sequence[Event]) -> None:
        ordered = sorted(events, key=lambda event: (event.published_at, event.sequence))
        moments = [event.published_at for event in ordered]
        await self._put(self._events, moments, "put_events", event_columns(namespace, ordered))

    async def _put(
        self, partitions: Partitions, moments: Sequence[datetime], name: str, columns: Sequence[Any]
    ) -> None:
        if not moments:
            return
        async with self.connection() as connection:
            await partitions.ensure(connection, moments)
            try:
                await connection.fetch(SQL[name], *columns)
            except asyncpg.CheckViolationError:
                # Another process has dropped a partition that was empty.
                partitions.forget()
                await partitions.ensure(connection, moments)
                await connection.fetch(SQL[name], *columns)

    async def revisions(self, instances: Sequence[str]) -> Mapping[str, int]:
        by_kept = {kept(instance): instance for instance in instances}
        rows = await self._fetch(SQL["revisions"], list(by_kept))
        return {by_kept[row["id"]]: row["revision"] for row in rows}

    async def list(self, query: MirrorQuery) -> MirrorPage:
        text, values = statement_of(query)
        rows = await self._fetch(text, *values)
        page = rows[: query.limit]
        following = None
        if len(rows) > query.limit:
            following = page_after(page[-1]["created"].isoformat(), page[-1]["id"])
        return MirrorPage([_kept(row) for row in page], following)

    async def find(self, word: str, *, namespace: str | None = None) -> Kept | None:
        here = None if namespace is None else kept(namespace)
        for name in ("find_id", "find_name"):
            if rows := await self._fetch(SQL[name], kept(word), here):
                return _kept(rows[0])
        return None

    async def steps(
        self, instance: str, *, after: int = -1, limit: int | None = None
    ) -> Sequence[StepRecord]:
        rows = await self._fetch(SQL["steps"], kept(instance), after, limit)
        return [codec.decode_record(row["body"]) for row in rows]

    async def events(self, namespace: str, name: str, key: str) -> Sequence[Event]:
        return [
            Event(
                sequence=row["sequence"],
                name=name,
                key=key,
                payload=codec.load_json(row["payload"].decode()),
                published_at=row["created"],
            )
            for row in await self._fetch(SQL["events"], topic_of(namespace, name, key))
        ]

    async def purge(self, *, before: datetime, limit: int) -> int:
        gone = 0
        async with self.connection() as connection:
            for name, partitions in (("purge", self._instances), ("purge_events", self._events)):
                count = await connection.fetchval(SQL[name], before, limit)
                gone += count
                if count < limit:
                    await partitions.drop_empty(connection, before)
        return gone


def _kept(row: Mapping[str, Any]) -> Kept:
    return Kept(namespace=row["namespace"], instance=codec.decode_head(row["head"]))


def statement_of(query: MirrorQuery) -> tuple[str, Sequence[Any]]:
    """Return the statement that reads one more than the page, and its values."""
    values: list[Any] = [
        query.limit + 1,
        [status.value for status in query.statuses or _ALL],
        [True] if query.roots_only else [True, False],
        query.since,
        *_bound(query),
    ]
    filters = ["TRUE"]
    for column in ("namespace", "workflow", "reference", "parent"):
        if (wanted := getattr(query, column)) is not None:
            values.append(kept(wanted))
            filters.append(f"{column} = ${len(values)}")
    is_few = query.reference is not None or query.parent is not None
    return SQL["list_few" if is_few else "list"].replace(":filters", " AND ".join(filters)), values


def _bound(query: MirrorQuery) -> tuple[datetime | None, str]:
    """Return the age that everything on the page is below: that of the last one of the page before, or `until`."""
    if query.after is None:
        return query.until, ""
    text, instance = place_of(query.after, str, str)
    created = moment_of(text)
    if query.until is not None and query.until <= created:
        return query.until, ""
    return created, kept(instance)
