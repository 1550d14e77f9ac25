"""Leases in the schema of the store, by the server's clock: machines need not agree on the time."""

from collections.abc import Sequence
from datetime import timedelta

from wfe.providers.postgres.database import Database
from wfe.providers.postgres.words import kept


class PostgresLeases:
    """The leases of one holder; the store of the same provider has to be open."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self._holder = holder
        self._held: dict[str, str] = {}

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        row = await self._database.fetch_one("acquire_lease", kept(key), self._holder, ttl)
        if row is None:
            return None
        self._held[kept(key)] = key
        return int(row["token"])

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        held = set(self._held)
        kept_on = {row["key"] for row in await self._database.fetch("renew_leases", self._holder, ttl)}
        # Keys acquired meanwhile are not in `held`, and keys released meanwhile are not missed.
        return sorted(self._held.pop(key) for key in held - kept_on if key in self._held)

    async def release(self, key: str) -> None:
        self._held.pop(kept(key), None)
        await self._database.fetch("release_lease", kept(key), self._holder)

    async def holder(self, key: str) -> str | None:
        row = await self._database.fetch_one("lease_holder", kept(key))
        return row and row["holder"]
