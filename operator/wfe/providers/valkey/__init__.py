"""A Valkey or Redis server: leases and a queue for hosts on many machines. `redis://HOST:PORT/DB?prefix=wfe`

`rediss://` speaks TLS, and `valkey://` is another name of `redis://`. Losing what the server keeps costs time: leases
carry no correctness, and the queue is a hint.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from wfe.errors import WfeError
from wfe.ports.provider import Provider
from wfe.providers.valkey import queue
from wfe.providers.valkey.address import Address, parsed
from wfe.providers.valkey.connection import Server
from wfe.providers.valkey.errors import ValkeyUnusable
from wfe.providers.valkey.leases import ValkeyLeases
from wfe.providers.valkey.queue import ValkeyQueue

__all__ = ["Address", "ValkeyLeases", "ValkeyProvider", "ValkeyQueue", "ValkeyUnusable", "from_url"]


class ValkeyProvider(Provider):
    """The leases and the queue of one server and prefix."""

    def __init__(self, address: Address) -> None:
        self._server = Server(address)
        self._has_queue = False

    async def open(self) -> None:
        await self._server.open()

    async def close(self) -> None:
        """Disconnect; nothing if that is done."""
        if self._has_queue:
            with suppress(WfeError):  # it is a courtesy
                await queue.leave(self._server)
        await self._server.close()

    def leases(self, holder: str, *, now: Callable[[], datetime]) -> ValkeyLeases:  # noqa: ARG002
        """Return leases, which go by the server's clock, not by `now`."""
        return ValkeyLeases(self._server, holder)

    def queue(self, *, now: Callable[[], datetime]) -> ValkeyQueue:
        """Return the queue; what is due is told by the server's clock, and `now` how long to wait."""
        self._has_queue = True
        return ValkeyQueue(self._server, now=now)


def from_url(url: str) -> ValkeyProvider:
    """Return the provider; nothing is connected yet.

    Raises:
        ValueError: the URL is not understood; the text goes on after the URL.
    """
    return ValkeyProvider(parsed(url))
