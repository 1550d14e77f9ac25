"""Leases that a process of this machine held when it died: they are free at once, whatever their time.

A server of another machine cannot know that. Whoever can see that the holder has died gives back in its name what it
held; no later process has that name.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from wfe.ports.leases import Leases
from wfe.providers.sqlite import holder_alive


class WithoutTheDead:
    """The leases of one holder, as `wfe.ports.leases.Leases`; `leases_of` returns those of any."""

    def __init__(
        self,
        leases_of: Callable[[str], Leases],
        holder: str,
        *,
        is_alive: Callable[[str], bool] = holder_alive,
    ) -> None:
        self._leases_of = leases_of
        self._mine = leases_of(holder)
        self._is_alive = is_alive

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        token = await self._mine.acquire(key, ttl)
        if token is not None:
            return token
        holder = await self._mine.holder(key)
        if holder is None or self._is_alive(holder):
            return None
        await self._leases_of(holder).release(key)
        return await self._mine.acquire(key, ttl)

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        return await self._mine.renew(ttl)

    async def release(self, key: str) -> None:
        await self._mine.release(key)

    async def holder(self, key: str) -> str | None:
        found = await self._mine.holder(key)
        return found if found is None or self._is_alive(found) else None

    async def holders(self, prefix: str) -> Mapping[str, str]:
        return {
            key: holder
            for key, holder in (await self._mine.holders(prefix)).items()
            if self._is_alive(holder)
        }
