"""The queue in the database file of the store."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from wfe.model.times import from_micros, to_micros
from wfe.ports.queue import Taken
from wfe.providers.sqlite.database import Database
from wfe.providers.sqlite.statements import SQL

LOOK_EVERY: Final = timedelta(milliseconds=50)


class Bell:
    """Wakes those who wait in this process; what other processes put is found by looking."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def heard(self, within: timedelta) -> bool:
        """Return True once the bell rings, False if it does not in that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                return await self._rung.wait()
        return False


class SqliteQueue:
    """Keeps the promises of `wfe.ports.queue.Queue` for the processes of one machine.

    The store of the same database has to be open.
    """

    def __init__(self, database: Database, bell: Bell, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._bell = bell
        self._now = now

    async def put(self, key: str, due: datetime) -> None:
        row = (key, to_micros(due))
        await self._database.write(lambda connection: connection.execute(SQL["put_key"], row), quiet=True)
        self._bell.ring()

    async def take(self, limit: int, claim: timedelta) -> Sequence[Taken]:
        now, lasts = to_micros(self._now()), to_micros(claim)
        return await self._database.write(
            lambda connection: _take(connection, limit, now, now + lasts), quiet=True
        )

    async def renew(self, taken: Sequence[Taken], claim: timedelta) -> Sequence[Taken]:
        now, lasts = to_micros(self._now()), to_micros(claim)
        return await self._database.write(
            lambda connection: [one for one in taken if not _renew(connection, one, now, now + lasts)],
            quiet=True,
        )

    async def done(self, taken: Taken) -> bool:
        ended = await self._database.write(lambda connection: _end(connection, taken), quiet=True)
        self._bell.ring()
        return ended

    async def wait(self, until: datetime) -> None:
        while (left := await self._next(until) - self._now()) > timedelta():
            rang = await self._bell.heard(min(left, LOOK_EVERY))
            if not rang and left <= LOOK_EVERY:
                return  # the time has come

    async def _next(self, until: datetime) -> datetime:
        (at,) = await self._database.read(lambda connection: connection.execute(SQL["next_time"]).fetchone())
        return until if at is None else min(from_micros(at), until)


def _take(connection: Connection, limit: int, now: int, until: int) -> list[Taken]:
    due = connection.execute(SQL["due_keys"], (now, limit)).fetchall()
    for number, _, _ in due:
        connection.execute(SQL["take_key"], {"number": number, "until": until, "now": now})
    return [Taken(key, f"{number}-{takes + 1}") for number, key, takes in due]


def _renew(connection: Connection, taken: Taken, now: int, until: int) -> bool:
    number, takes = _numbers(taken)
    row = {"number": number, "takes": takes, "now": now, "until": until}
    return connection.execute(SQL["renew_key"], row).rowcount > 0


def _end(connection: Connection, taken: Taken) -> bool:
    row = _numbers(taken)
    return any(connection.execute(SQL[name], row).rowcount > 0 for name in ("put_again", "done_key"))


def _numbers(taken: Taken) -> tuple[int, int]:
    number, _, takes = taken.token.partition("-")
    return int(number), int(takes)
