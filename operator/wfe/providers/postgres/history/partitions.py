"""The partitions of the mirror, one a month for each table: made when they are needed, dropped when they are empty."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import asyncpg

from wfe.providers.postgres.statements import read
from wfe.providers.postgres.words import lock_number

SQL: Final = read(__package__)
OF_INSTANCES: Final = ("instances", "steps", "attempts")
OF_EVENTS: Final = ("events",)

Month = tuple[int, int]


def month_of(moment: datetime) -> Month:
    """Return year and month, in UTC."""
    there = moment.astimezone(UTC)
    return there.year, there.month


class Partitions:
    """The partitions of some tables, which belong together: an empty first one says that all of them are."""

    def __init__(self, schema: str, tables: tuple[str, ...]) -> None:
        self._tables = tables
        self._lock = lock_number("partitions of wfe", schema)
        self._known: set[Month] = set()

    async def ensure(self, connection: asyncpg.Connection, moments: Iterable[datetime]) -> None:
        """Make the partitions for these times, unless they are known to be there."""
        for month in sorted({month_of(moment) for moment in moments} - self._known):
            async with connection.transaction():
                await connection.fetch(SQL["lock_partitions"], self._lock)
                for table in self._tables:
                    limits = (_beginning(month), _beginning(_next(month)))
                    made = await connection.fetchval(
                        SQL["make_partition"], _name(table, month), table, *limits
                    )
                    await connection.execute(made)
            self._known.add(month)

    def forget(self) -> None:
        """Another process may have dropped some."""
        self._known.clear()

    async def drop_empty(self, connection: asyncpg.Connection, before: datetime) -> None:
        """Drop those of months that had ended by then and hold nothing any more."""
        first = self._tables[0]
        for (name,) in await connection.fetch(SQL["partitions"], first):
            year, month = map(int, name.removeprefix(f"{first}_").split("_"))
            if (year, month) < month_of(before):
                await self._drop_if_empty(connection, (year, month))

    async def _drop_if_empty(self, connection: asyncpg.Connection, month: Month) -> None:
        names = [_name(table, month) for table in self._tables]
        async with connection.transaction():
            await connection.execute(SQL["be_impatient"])
            await connection.fetch(SQL["lock_partitions"], self._lock)
            # Under the lock nobody can add to it any more; whoever wants to finds none, and makes it again.
            await connection.execute(await connection.fetchval(SQL["lock_partition"], names[0]))
            is_empty = await connection.fetchval(SQL["partition_is_empty"], names[0])
            if await connection.fetchval(is_empty):
                for name in names:
                    await connection.execute(await connection.fetchval(SQL["drop_partition"], name))
        self._known.discard(month)


def _beginning(month: Month) -> datetime:
    return datetime(*month, 1, tzinfo=UTC)


def _next(month: Month) -> Month:
    year, number = month
    return (year + number // 12, number % 12 + 1)


def _name(table: str, month: Month) -> str:
    return f"{table}_{month[0]:04}_{month[1]:02}"
