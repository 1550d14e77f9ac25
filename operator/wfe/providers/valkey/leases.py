"""Leases on a Valkey server, by its clock.

A lease is a hash of holder, end and token, which stays for a while after its end: so a holder that was paused learns
whether another has had the lease since. A lease of which nothing is left, because the server was emptied, is lost.
`{prefix}:leases` has the names of all by their ends.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from wfe.model.times import to_micros
from wfe.providers.valkey.connection import Server

KEEP: Final = timedelta(hours=1)
_TOGETHER: Final = 500  # the server does nothing else while a script runs


class ValkeyLeases:
    """The leases of one holder; the provider has to be open."""

    def __init__(self, server: Server, holder: str) -> None:
        self._server = server
        self._holder = holder
        self._held: dict[str, str] = {}
        self._all = server.key("leases")

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        keys = [self._key(key), self._server.key("fence"), self._all]
        token = await self._server.run("acquire", keys, self._holder, *_lasts(ttl))
        if token is None:
            return None
        self._held[key] = token
        return int(token)

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        held = list(self._held.items())
        lost = []
        for start in range(0, len(held), _TOGETHER):
            lost += await self._renew(held[start : start + _TOGETHER], ttl)
        # What was acquired or released meanwhile is not lost.
        lost = [(key, token) for key, token in lost if self._held.get(key) == token]
        for key, _ in lost:
            del self._held[key]
        return sorted(key for key, _ in lost)

    async def _renew(self, held: Sequence[tuple[str, str]], ttl: timedelta) -> list[tuple[str, str]]:
        keys = [*(self._key(key) for key, _ in held), self._all]
        tokens = [token for _, token in held]
        numbers = await self._server.run("renew_leases", keys, self._holder, *_lasts(ttl), *tokens)
        return [held[number - 1] for number in numbers]

    async def release(self, key: str) -> None:
        self._held.pop(key, None)
        await self._server.run("release", [self._key(key), self._all], self._holder)

    async def holder(self, key: str) -> str | None:
        found: str | None = await self._server.run("holder", [self._key(key)])
        return found

    async def holders(self, prefix: str) -> Mapping[str, str]:
        found = await self._server.run("holders", [self._all], self._key(prefix))
        names = [name.removeprefix(self._key("")) for name in found[::2]]
        return dict(zip(names, found[1::2], strict=True))

    def _key(self, key: str) -> str:
        return self._server.key("lease", key)


def _lasts(ttl: timedelta) -> tuple[int, int]:
    """Return the arguments `ttl` and `keep` of the scripts: how long the lease lasts, and how long it is remembered."""
    return to_micros(ttl), (ttl + KEEP) // timedelta(milliseconds=1)
