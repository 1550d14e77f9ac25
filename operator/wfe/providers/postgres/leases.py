"""Leases in the schema of the store, by the server's clock: machines need not agree on the time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from wfe.providers.postgres.database import Database
from wfe.providers.postgres.groups import Groups
from wfe.providers.postgres.words import kept

_Wanted = tuple[str, timedelta]


class PostgresLeases:
    """The leases of one holder; the store of the same provider has to be open."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self._holder = holder
        self._held: dict[str, str] = {}
        self._wanted: Groups[_Wanted, int | None] = Groups(self._acquire_all, key=lambda wanted: wanted[0])
        self._unwanted: Groups[str, None] = Groups(self._release_all)

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        token = await self._wanted.do((kept(key), ttl))
        if token is not None:
            self._held[kept(key)] = key
        return token

    async def _acquire_all(self, wanted: Sequence[_Wanted]) -> Sequence[int | None]:
        # In one order everywhere, so that two holders wait for each other, and never both.
        ordered = sorted(wanted)
        columns = ([key for key, _ in ordered], [ttl for _, ttl in ordered])
        rows = await self._database.fetch("acquire_leases", self._holder, *columns)
        tokens = {row["key"]: int(row["token"]) for row in rows}
        return [tokens.get(key) for key, _ in wanted]

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        held = set(self._held)
        kept_on = {row["key"] for row in await self._database.fetch("renew_leases", self._holder, ttl)}
        # Keys acquired meanwhile are not in `held`, and keys released meanwhile are not missed.
        return sorted(self._held.pop(key) for key in held - kept_on if key in self._held)

    async def release(self, key: str) -> None:
        self._held.pop(kept(key), None)
        await self._unwanted.do(kept(key))

    async def _release_all(self, keys: Sequence[str]) -> Sequence[None]:
        await self._database.fetch("release_leases", self._holder, sorted(keys))
        return [None] * len(keys)

    async def holder(self, key: str) -> str | None:
        row = await self._database.fetch_one("lease_holder", kept(key))
        return row and row["holder"]

    async def holders(self, prefix: str) -> Mapping[str, str]:
        rows = await self._database.fetch("lease_holders", kept(prefix))
        return {row["key"]: row["holder"] for row in rows}
