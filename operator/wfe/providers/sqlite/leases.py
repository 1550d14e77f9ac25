"""Leases in the database file of the store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from wfe.model.times import to_micros
from wfe.providers.sqlite.database import Database
from wfe.providers.sqlite.holders import holder_alive
from wfe.providers.sqlite.statements import SQL

LAST: Final = "\U0010ffff"  # no character comes after it


class SqliteLeases:
    """The leases of one holder; the store of the same database has to be open."""

    def __init__(
        self,
        database: Database,
        holder: str,
        *,
        now: Callable[[], datetime],
        is_alive: Callable[[str], bool] = holder_alive,
    ) -> None:
        self._database = database
        self._holder = holder
        self._now = now
        self._is_alive = is_alive
        self._held: set[str] = set()

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        now, lasts = to_micros(self._now()), to_micros(ttl)
        token = await self._database.write(
            lambda connection: self._take(connection, key, now, lasts), quiet=True
        )
        if token is not None:
            self._held.add(key)
        return token

    def _take(self, connection: Connection, key: str, now: int, lasts: int) -> int | None:
        row = connection.execute(SQL["lease"], (key,)).fetchone()
        holder, until, token = row or (None, now, 0)
        is_ours = holder == self._holder and until > now
        is_free = holder is None or until <= now or not self._is_alive(holder)
        if not is_ours and not is_free:
            return None
        token += not is_ours
        connection.execute(SQL["take_lease"], (key, self._holder, now + lasts, token))
        return token

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        held = set(self._held)
        until = to_micros(self._now() + ttl)
        kept = await self._database.write(lambda connection: self._extend(connection, until), quiet=True)
        # Keys acquired meanwhile are not in `held`, and keys released meanwhile are not missed.
        lost = sorted((held - kept) & self._held)
        self._held.difference_update(lost)
        return lost

    def _extend(self, connection: Connection, until: int) -> set[str]:
        return {key for (key,) in connection.execute(SQL["renew_leases"], (until, self._holder))}

    async def release(self, key: str) -> None:
        self._held.discard(key)
        await self._database.write(
            lambda connection: connection.execute(SQL["release_lease"], (key, self._holder)), quiet=True
        )

    async def holder(self, key: str) -> str | None:
        row = await self._database.read(
            lambda connection: connection.execute(SQL["lease"], (key,)).fetchone()
        )
        if row is None or row[0] is None or row[1] <= to_micros(self._now()):
            return None
        return str(row[0]) if self._lives(row[0]) else None

    async def holders(self, prefix: str) -> Mapping[str, str]:
        row = {"first": prefix, "beyond": prefix + LAST, "now": to_micros(self._now())}
        found = await self._database.read(
            lambda connection: connection.execute(SQL["lease_holders"], row).fetchall()
        )
        return {key: holder for key, holder in found if self._lives(holder)}

    def _lives(self, holder: str) -> bool:
        return holder == self._holder or self._is_alive(holder)
