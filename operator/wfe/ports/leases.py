"""Leases: who works on what. They save work and never carry correctness."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol


class Leases(Protocol):
    """Leases of one holder, which is named when the provider is made."""

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        """Return a fencing token that only grows per key, or None while another live holder's ttl runs."""
        ...

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        """Extend every lease of this holder; return the keys that another has taken since."""
        ...

    async def release(self, key: str) -> None:
        """Give a lease back; harmless if it is not ours."""
        ...

    async def holder(self, key: str) -> str | None:
        """Return who holds the lease now, or None."""
        ...

    async def holders(self, prefix: str) -> Mapping[str, str]:
        """Return who holds which lease now, of all whose keys begin so."""
        ...
