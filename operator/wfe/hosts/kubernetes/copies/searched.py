"""Instances and lines of logs, on their way to where they are searched.

Lines come as steps write them; what does not fit in memory waits on the disk, and what does not fit there is read again
from what is kept of the log. An instance is put into the index as it changes, and its end only when all of its lines
have arrived. So the index says of itself what is missing in it: an instance that has ended in the cluster and not in
the index may have lines on their way, lost with the process that had them, and then all that is kept of its log is
sent again. Lines are known by their place, so what is there already stays once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from wfe.errors import Permanent
from wfe.hosts.kubernetes.copies.known import Arrivals, Known, Target, named
from wfe.hosts.kubernetes.homes import Place
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.ports.clock import Clock
from wfe.ports.logs import Segment
from wfe.ports.search import Document
from wfe.runtime.copies.delivery import Delivery
from wfe.runtime.copies.documents import document_of, document_with_steps
from wfe.runtime.copies.expiry import expire
from wfe.runtime.copies.held import Held
from wfe.runtime.copies.indexer import Indexer
from wfe.runtime.copies.lag import Lag
from wfe.runtime.copies.log_shipper import QUEUE_BYTES, About, LogShipper
from wfe.runtime.patience import persistently

log = logging.getLogger(__name__)
PAUSE: Final = timedelta(seconds=15)
# So many that have ended are held in memory until their lines have arrived; the rest is loaded again.
IN_MEMORY: Final = 500
_LINES: Final = "lines"
Written = Callable[[str, str, str | None], AsyncIterator[Segment]]


class Searched:
    """Sends what one term hears of instances, and what their steps write. It keeps the promise of `LogSink`.

    Attributes:
        clock: the operator's.

    Args:
        target: where copies go.
        written: yields what is kept in the cluster of what an instance wrote: (namespace, instance, step or None).
        whereabouts: finds the place of an instance that nobody told of.
        keep: how long lines are kept; for ever if that is None.
        limit: how many bytes of lines may wait in memory.
    """

    def __init__(
        self,
        target: Target,
        written: Written,
        clock: Clock,
        *,
        whereabouts: Callable[[str], Place | None] = lambda _: None,
        keep: timedelta | None = None,
        limit: int = QUEUE_BYTES,
    ) -> None:
        self._target = target
        self._written = written
        self.clock = clock
        self._whereabouts = whereabouts
        self._keep = keep
        self._connection = Delivery("copies for searching", clock)
        self._known: dict[str, Known] = {}
        # Instances that have begun here: all they wrote has come here too.
        self._born: set[str] = set()
        self._unsure: dict[str, int] = {}
        self._ending: dict[str, Instance | None] = {}
        self._held = Held(Arrivals(self._have_lines))
        self._indexer = Indexer(
            target.search, self._load, self._document, Held(Arrivals(self._is_indexed)), clock
        )
        self._shipper = LogShipper(target.logs, self, self._held, clock, self._about, limit=limit)
        self._shipper.overflow = target.overflow

    # -- what the operator tells -------------------------------------------------------------------------------

    async def write(self, segment: Segment) -> None:
        """Take what a step wrote; this never waits."""
        await self._shipper.write(segment)

    def meet(self, place: Place, instance: Instance) -> None:
        """Hear that an instance is about to be driven; whoever drove it before may not have sent all of it."""
        if instance.id not in self._born:
            self._know(place, instance)
            self._unsure[instance.id] = instance.revision

    def heard(self, place: Place, instance: Instance, change: Lifecycle) -> None:
        """Hear of a save."""
        if instance.revision == 1:
            self._born.add(instance.id)
        self._know(place, instance)
        self._unsure.pop(instance.id, None)
        if not instance.status.is_final:
            self._indexer.heard(named(place, instance), change)

    def whole(self, place: Place, instance: Instance) -> None:
        """Hear that an instance has ended, and that all it wrote has come here or is kept in the cluster."""
        if instance.id in self._ending:
            return
        known = self._known[instance.id] = Known(place, instance.name, instance.workflow.id, has_ended=True)
        self._unsure.pop(instance.id, None)
        self._ending[instance.id] = named(place, instance) if len(self._ending) < IN_MEMORY else None
        self._held.hold(instance.id, _LINES)
        if instance.id not in self._born:
            self._shipper.adopt([instance.id])
        self._shipper.know(instance.id, known.about)
        self._held.let_go(instance.id, _LINES)

    def gone(self, instance: str) -> None:
        """Hear that the object of an instance is deleted; one that had not ended never will, so nobody finds it."""
        known = self._known.get(instance)
        if known is not None:
            self._shipper.know(instance, replace(known, has_ended=True).about)
        self._shipper.forget(instance)
        self._unsure.pop(instance, None)
        if instance not in self._ending:
            self._forget(instance)
            if known is not None:
                self._indexer.adopt([instance])

    # -- what it does ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, as soon as that is possible, and send, until cancelled; no trouble of a copy ends this."""
        await self._connection.persistently(self._target.provider.open)
        while True:
            try:
                await self._send()
            except Exception:
                log.exception("copies for searching broke; what is missing is found again")
            await self.clock.sleep_until(self.clock.now() + PAUSE)

    async def _send(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._indexer.run(), name="index instances")
            group.create_task(self._shipper.run(), name="ship lines")
            group.create_task(self._compare(), name="compare revisions")
            if self._keep is not None:
                group.create_task(expire(self._target.logs, self._keep, self.clock), name="remove old lines")

    async def close(self, within: timedelta) -> None:
        """Send what is on its way, as long as that succeeds, and disconnect; the rest is found again."""
        if not self._connection.trouble:
            await asyncio.gather(self._shipper.close(within), self._indexer.close(within))
        await self._target.provider.close()
        self._target.overflow.close()

    def lags(self) -> Mapping[str, Lag]:
        """Return how far the instances and the lines are behind."""
        lags = {"search": self._indexer.lag(), "logs": self._shipper.lag()}
        return {
            name: replace(lag, trouble=lag.trouble or self._connection.trouble) for name, lag in lags.items()
        }

    @property
    def ending(self) -> int:
        """How many ends of instances are on their way."""
        return len(self._ending)

    async def without_end(self, instances: Collection[str]) -> list[str]:
        """Return those of which not all has arrived, and is not on its way either.

        Raises:
            WfeError: nobody can tell now.
        """
        asked = [instance for instance in instances if instance not in self._ending]
        ended = {one.id for one in await self._target.search.kept(asked) if one.status.is_final}
        return [instance for instance in asked if instance not in ended]

    async def has_end_of(self, instance: str) -> bool:
        """Tell whether all of an instance has arrived.

        Raises:
            WfeError: nobody can tell now.
        """
        return instance not in self._ending and not await self.without_end([instance])

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        """Yield what is kept in the cluster of what an instance wrote; for the shipper, which reads it again."""
        del follow
        known = self._known.get(instance)
        if known is None:
            return
        try:
            found = await persistently(self.clock, lambda: self._all_written(known, instance, step))
        except Permanent as error:
            log.warning("what instance %s wrote is not sent: %s", known.about.name, error)
            return
        for segment in found:
            yield segment

    # -- what its parts ask ------------------------------------------------------------------------------------

    async def _all_written(self, known: Known, instance: str, step: str | None) -> list[Segment]:
        return [segment async for segment in self._written(known.place.namespace, instance, step)]

    def _know(self, place: Place, instance: Instance) -> None:
        self._known[instance.id] = Known(place, instance.name, instance.workflow.id)

    async def _about(self, instance: str) -> About | None:
        known = self._known.get(instance) or await self._looked_up(instance)
        return None if known is None else known.about

    async def _looked_up(self, instance: str) -> Known | None:
        """Find out about one that nobody drives here: a child that has ended, whose log comes again with its root's."""
        place = self._whereabouts(instance)
        if place is None:
            return None
        try:
            found = await persistently(self.clock, lambda: place.store.load(instance))
        except Permanent:
            return None
        return None if found is None else Known(place, found.name, found.workflow.id, found.status.is_final)

    async def _load(self, instance: str) -> Instance | None:
        known = self._known.get(instance)
        if known is None:
            return None
        try:
            found = await known.place.store.load(instance)
        except Permanent as error:
            log.warning("instance %s is not sent: %s", known.about.name, error)
            return None
        return None if found is None else named(known.place, found)

    async def _document(self, instance: Instance) -> Document:
        known = self._known.get(instance.id)
        if known is None:
            return document_of(instance)  # it is gone, and about to be taken out
        pinned = known.place.definitions.pinned
        try:
            return await persistently(self.clock, lambda: document_with_steps(instance, pinned))
        except Permanent:
            return document_of(instance)

    async def _compare(self) -> None:
        """Put what was driven by others before, if the index does not have its newest revision."""
        while True:
            some = dict(list(self._unsure.items())[:IN_MEMORY])
            if some:
                await self._connection.persistently(lambda: self._adopt_older(some))  # noqa: B023 - awaited here
            await self.clock.sleep_until(self.clock.now() + timedelta(seconds=1))

    async def _adopt_older(self, some: Mapping[str, int]) -> None:
        kept = {one.id: one.revision for one in await self._target.search.kept(list(some))}
        for instance, revision in some.items():
            if self._unsure.pop(instance, None) is not None and kept.get(instance, -1) < revision:
                self._indexer.adopt([instance])

    def _have_lines(self, instance: str) -> None:
        """All lines of an instance that has ended have arrived: now its end may."""
        if instance not in self._ending:
            return
        value = self._ending[instance]
        if value is None:
            self._indexer.adopt([instance])
        else:
            self._indexer.put(value)

    def _is_indexed(self, instance: str) -> None:
        if instance in self._ending:
            del self._ending[instance]
            self._forget(instance)

    def _forget(self, instance: str) -> None:
        self._known.pop(instance, None)
        self._born.discard(instance)
