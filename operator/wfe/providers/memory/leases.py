"""Leases between the hosts of one process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Lease:
    """Who holds a key, until when, and the number of times it was taken."""

    holder: str | None
    until: datetime
    token: int


@dataclass(slots=True)
class LeaseTable:
    """The leases of all holders; what was released keeps its token."""

    leases: dict[str, Lease] = field(default_factory=dict)


class MemoryLeases:
    """The leases of one holder."""

    def __init__(self, table: LeaseTable, holder: str, *, now: Callable[[], datetime]) -> None:
        self._table = table
        self._holder = holder
        self._now = now
        self._held: set[str] = set()

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        lease = self._table.leases.setdefault(key, Lease(None, self._now(), 0))
        if lease.holder not in {None, self._holder} and lease.until > self._now():
            return None
        if lease.holder != self._holder or lease.until <= self._now():
            lease.token += 1
        lease.holder = self._holder
        lease.until = self._now() + ttl
        self._held.add(key)
        return lease.token

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        lost = sorted(key for key in self._held if self._table.leases[key].holder != self._holder)
        self._held.difference_update(lost)
        for key in self._held:
            self._table.leases[key].until = self._now() + ttl
        return lost

    async def release(self, key: str) -> None:
        self._held.discard(key)
        lease = self._table.leases.get(key)
        if lease and lease.holder == self._holder:
            lease.holder = None

    async def holder(self, key: str) -> str | None:
        lease = self._table.leases.get(key)
        return lease.holder if lease and lease.until > self._now() else None

    async def holders(self, prefix: str) -> Mapping[str, str]:
        keys = [key for key in self._table.leases if key.startswith(prefix)]
        return {key: holder for key in keys if (holder := await self.holder(key)) is not None}
