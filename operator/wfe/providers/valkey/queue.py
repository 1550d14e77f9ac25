"""The queue on a Valkey server, for takers on many machines; times are judged by the server's clock.

`{prefix}:queue:times` has for each key when it is given out: its time, or the end of its claim while it is taken.
What is taken is an entry of the stream `{prefix}:queue:taken`, pending in its group `takers` until somebody is done
with it; XPENDING tells who has it, since when, and how often it was given out. The entries of silent takers pass to
others by XCLAIM. `claims` has the token of each key that is taken, `again` what was put meanwhile, and `bell` is a
stream of one entry that wakes those who wait.
"""

import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from wfe.model.times import to_micros
from wfe.ports.queue import Taken
from wfe.providers.valkey.connection import Server

# Who waits asks again as often, because a bell that rang while the server was away is not heard.
LISTEN: Final = timedelta(seconds=1)
_TOGETHER: Final = 500  # the server does nothing else while a script runs


class ValkeyQueue:
    """Keeps the promises of `wfe.ports.queue.Queue`; the provider has to be open."""

    def __init__(self, server: Server, *, now: Callable[[], datetime]) -> None:
        self._server = server
        self._now = now
        self._keys = [server.key("queue", name) for name in ("times", "again", "taken", "claims", "bell")]

    async def put(self, key: str, due: datetime) -> None:
        await self._server.run("put", self._keys, key, to_micros(due))

    async def take(self, limit: int, claim: timedelta) -> Sequence[Taken]:
        found = await self._server.run("take", self._keys, limit, to_micros(claim), taker())
        return [Taken(key, token) for key, token in zip(found[::2], found[1::2], strict=True)]

    async def renew(self, taken: Sequence[Taken], claim: timedelta) -> Sequence[Taken]:
        lost: list[Taken] = []
        for start in range(0, len(taken), _TOGETHER):
            some = taken[start : start + _TOGETHER]
            said = [text for one in some for text in (one.key, one.token)]
            numbers = await self._server.run("renew_claims", self._keys, to_micros(claim), taker(), *said)
            lost += [some[number - 1] for number in numbers]
        return lost

    async def done(self, taken: Taken) -> bool:
        return bool(await self._server.run("done", self._keys, taken.key, taken.token))

    async def wait(self, until: datetime) -> None:
        while (left := until - self._now()) > timedelta():
            first, rung = await self._server.run("next", self._keys)
            if first:
                left = min(left, timedelta(microseconds=int(first)))
            if left <= timedelta():
                return
            await self._server.heard(self._keys[-1], rung, min(left, LISTEN))


async def leave(server: Server) -> None:
    """Have the group of takers forget this process, unless it still holds something."""
    await server.run("leave", [server.key("queue", "taken")], taker())


def taker() -> str:
    """Name this process in the group of takers; the name is for people."""
    return f"{socket.gethostname()}:{os.getpid()}"
