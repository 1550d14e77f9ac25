"""The copies of a host: what its instances are, for searching, and what their steps write.

Copies hold nothing up. One that cannot be reached is waited for in the background; one that cannot be used as it is
refuses the start, since somebody has just asked for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from wfe.errors import Retryable
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.ports.clock import Clock
from wfe.ports.logs import LogReader, LogStore
from wfe.ports.provider import Provider
from wfe.ports.search import Document, Search
from wfe.ports.store import Store
from wfe.runtime.copies.documents import document_with_steps
from wfe.runtime.copies.expiry import expire
from wfe.runtime.copies.held import Held
from wfe.runtime.copies.indexer import Indexer
from wfe.runtime.copies.lag import Lag
from wfe.runtime.copies.log_shipper import About, LogShipper
from wfe.runtime.copies.stored_logs import JoinedLogs, StoredLogs
from wfe.runtime.definitions import Definitions
from wfe.runtime.patience import persistently
from wfe.runtime.runtime import Runtime

log = logging.getLogger("wfe")


@dataclass(slots=True)
class Copies:
    """The search and the logs of a host, as far as it has them, and what is on its way there.

    Attributes:
        providers: those that keep copies and nothing else.
        keep_logs: how long logs are kept; for ever if that is None.
    """

    providers: Sequence[Provider]
    held: Held
    search: Search | None = None
    logs: LogStore | None = None
    keep_logs: timedelta | None = None
    indexer: Indexer | None = field(default=None, init=False)
    shipper: LogShipper | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def attach(self, store: Store, definitions: Definitions, source: LogReader, clock: Clock) -> None:
        """Make what sends: instances come from the store, lines from the source."""
        if self.search is not None:

            async def document(instance: Instance) -> Document:
                return await persistently(clock, lambda: document_with_steps(instance, definitions.pinned))

            self.indexer = Indexer(self.search, store.load, document, self.held, clock)
        if self.logs is not None:
            self.shipper = LogShipper(
                self.logs, source, self.held, clock, lambda instance: about_stored(store, instance)
            )

    def reader(self, here: LogReader, has_ended: Callable[[str], Awaitable[bool]], clock: Clock) -> LogReader:
        """Return what reads the logs of this machine, and those of others if they are kept."""
        if self.logs is None:
            return here
        return JoinedLogs(here, StoredLogs(self.logs, clock, has_ended))

    async def open(self, runtime: Runtime, *, ship: bool) -> None:
        """Connect, or begin to; with `ship`, send what changes from now on, and what others have left.

        Raises:
            Permanent: a copy cannot be used; the text says why, and the way out.
        """
        waiting = await self._connect()
        if not ship or not self._parts():
            return
        leftovers = await asyncio.to_thread(self.held.open)
        for part in self._parts():
            part.adopt(leftovers)
        runtime.listeners.append(self._heard)
        self._task = asyncio.create_task(self._run(waiting, runtime), name="ship copies")

    def lags(self) -> Mapping[str, Lag]:
        """Return how far each copy is behind."""
        parts = {"search": self.indexer, "logs": self.shipper}
        return {name: part.lag() for name, part in parts.items() if part is not None}

    async def close(self, within: timedelta) -> None:
        """Send what is on its way, as long as that succeeds, and disconnect."""
        if self._task is not None:
            await self._finish(within)
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await asyncio.to_thread(self.held.close)
            self._task = None
        for provider in self.providers:
            await provider.close()

    def _parts(self) -> Sequence[Indexer | LogShipper]:
        return [part for part in (self.indexer, self.shipper) if part is not None]

    async def _connect(self) -> Sequence[Provider]:
        """Connect what can be connected, and return what has to be waited for."""
        waiting: list[Provider] = []
        for provider in self.providers:
            try:
                await provider.open()
            except Retryable as error:
                waiting.append(provider)
                for part in self._parts():
                    part.delivery.failed(str(error))
        return waiting

    async def _run(self, waiting: Sequence[Provider], runtime: Runtime) -> None:
        for provider in waiting:
            await persistently(runtime.clock, provider.open)
        async with asyncio.TaskGroup() as group:
            for part in self._parts():
                group.create_task(part.run())
            if self.logs is not None and self.keep_logs is not None:
                group.create_task(expire(self.logs, self.keep_logs, runtime.clock))

    async def _finish(self, within: timedelta) -> None:
        arrived = await asyncio.gather(*(part.close(within) for part in self._parts()))
        if not all(arrived):
            log.warning(
                "not everything has arrived at %s; the next host on this state directory sends the rest",
                " and ".join(name for name, lag in self.lags().items() if lag.waiting or lag.again),
            )

    def _heard(self, instance: Instance, change: Lifecycle) -> None:
        if self.indexer is not None:
            self.indexer.heard(instance, change)
        if self.shipper is not None:
            self.shipper.know(instance.id, about(instance))
        del change


def about(instance: Instance) -> About:
    """Return what the lines of an instance are searched by."""
    return About(instance.name, instance.workflow.id, has_ended=instance.status.is_final)


async def about_stored(store: Store, instance: str) -> About | None:
    """Return it of an instance that is stored, or None."""
    found = await store.load(instance)
    return None if found is None else about(found)
