"""What happens to the instances that a host drives, for whoever wants to hear of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from wfe.hosts.wiring.engine_room import EngineRoom
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.runtime.runtime import Listener

Change = tuple[Instance, Lifecycle]


class News:
    """The part of a host that tells what happens."""

    _room: EngineRoom

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Subscribe to what happens to the instances that this host drives.

        async with host.subscribe() as changes:
            async for instance, change in changes: ...
        """
        queue: asyncio.Queue[Change] = asyncio.Queue()
        with self.listening(lambda instance, change: queue.put_nowait((instance, change))):
            yield _drain(queue)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call a function, at once and in order, with all that happens to the instances that this host drives."""
        listeners = self._room.runtime.listeners
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)


async def _drain(queue: "asyncio.Queue[Change]") -> AsyncIterator[Change]:
    while True:
        yield await queue.get()
