"""Puts instances into the index as they change: the newest revision of each, a few times a second.

What changed while the index is away is remembered by name, and read from the store when it is back. An instance is
named in the ledger from its first change until its end is in the index.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.ports.clock import Clock
from wfe.ports.search import Document, Search
from wfe.runtime.copies.delivery import Delivery
from wfe.runtime.copies.held import Held
from wfe.runtime.copies.lag import Lag
from wfe.runtime.patience import persistently

GATHER: Final = timedelta(milliseconds=250)
BATCH: Final = 200
# More than these are loaded when their turn comes.
IN_MEMORY: Final = 1000
_NAME: Final = "search"


class Indexer:
    """A listener of the runtime (`runtime.Listener`) that writes to an index.

    Args:
        search: the index.
        load: the store's; what it does not find is taken out of the index.
        document: makes what is searched of an instance.
        held: the ledger.
    """

    def __init__(
        self,
        search: Search,
        load: Callable[[str], Awaitable[Instance | None]],
        document: Callable[[Instance], Awaitable[Document]],
        held: Held,
        clock: Clock,
    ) -> None:
        self.delivery = Delivery("instances for the search", clock)
        self._search = search
        self._load = load
        self._document = document
        self._held = held
        self._clock = clock
        self._changed: dict[str, Instance | None] = {}
        self._since: dict[str, datetime] = {}
        self._flying: dict[str, datetime] = {}
        self._arrived = 0
        self._news = asyncio.Event()

    def heard(self, instance: Instance, _change: Lifecycle) -> None:
        """Take note of a change."""
        self.put(instance)

    def put(self, instance: Instance) -> None:
        """Put an instance when its turn comes."""
        self._held.hold(instance.id, _NAME)
        room = len(self._changed) < IN_MEMORY
        self._changed[instance.id] = instance if room else None
        self._since.setdefault(instance.id, self._clock.now())
        self._news.set()

    def adopt(self, instances: Sequence[str]) -> None:
        """Put what another process has left of instances."""
        for instance in instances:
            self._held.hold(instance, _NAME)
            self._changed.setdefault(instance)
            self._since.setdefault(instance, self._clock.now())
        if instances:
            self._news.set()

    def lag(self) -> Lag:
        """Return how far the index is behind."""
        waiting = [*self._since.values(), *self._flying.values()]
        return Lag(
            waiting=len(waiting),
            behind=self._clock.now() - min(waiting) if waiting else timedelta(),
            arrived=self._arrived,
            refused=self.delivery.refused,
            trouble=self.delivery.trouble,
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._changed and not self._flying

    async def run(self) -> None:
        """Put what changes until cancelled."""
        while True:
            await self._news.wait()
            await self._put([self._changed.popitem() for _ in range(min(BATCH, len(self._changed)))])
            if not self._changed:
                self._news.clear()
            await self._clock.sleep_until(self._clock.now() + GATHER)

    async def close(self, within: timedelta) -> bool:
        """Wait until all has arrived, as long as it does arrive. Return whether that is so."""
        until = self._clock.now() + within
        while not self.is_idle and not self.delivery.trouble and self._clock.now() < until:
            await self._clock.sleep_until(self._clock.now() + timedelta(milliseconds=20))
        on_their_way = {*self._changed, *self._flying}
        for instance in self._held.of(_NAME):
            if instance not in on_their_way:
                self._held.let_go(instance, _NAME)
        return self.is_idle

    async def _put(self, changed: Sequence[tuple[str, Instance | None]]) -> None:
        self._flying = {instance: self._since.pop(instance) for instance, _ in changed}
        found = [value or await self._loaded(instance) for instance, value in changed]
        values = [value for value in found if value is not None]
        documents = [await self._document(value) for value in values]
        gone = {instance for instance, _ in changed} - {value.id for value in values}
        await self.delivery.persistently(lambda: self._search.put(documents))
        if gone:
            await self.delivery.persistently(lambda: self._search.remove(sorted(gone)))
        self._arrived += len(documents)
        self._flying = {}
        alive = {value.id for value in values if not value.status.is_final}
        for instance, _ in changed:
            if instance not in alive and instance not in self._changed:
                self._held.let_go(instance, _NAME)

    async def _loaded(self, instance: str) -> Instance | None:
        return await persistently(self._clock, lambda: self._load(instance))
