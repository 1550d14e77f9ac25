"""The history on its way to a mirror: what is saved goes there in batches, and holds up no step.

One rule keeps the mirror whole: where it is at a revision, it has every visit that had ended by then. A save is put as
it was heard of only if the mirror has the revision before it; of any other instance everything is read from its object,
and put at once. So a crash, an outage, an emptied database or another replica that worked meanwhile leaves no gap, and
all that is left to find is what does not change any more: see `comparing`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from wfe.errors import Permanent, Retryable
from wfe.hosts.kubernetes.copies.pending import Batch, Pending, Source
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.ports.clock import Clock
from wfe.ports.mirror import Change, Mirror
from wfe.runtime.copies.delivery import Delivery
from wfe.runtime.copies.lag import Lag

log = logging.getLogger(__name__)
GATHER: Final = timedelta(milliseconds=100)
BATCH: Final = 200
# Each of these is read from the API server first, and others wait meanwhile.
READ_AT_ONCE: Final = 20
PURGE_EVERY: Final = timedelta(minutes=10)
PURGED_AT_ONCE: Final = 1000
MOST_EVENTS: Final = 2000
MOST_TOLD: Final = 1000
Whole = Callable[[Source], Awaitable[Change | None]]


class History:
    """Sends saves and events to a mirror.

    Attributes:
        delivery: how sending goes.
        comparing: how finding what is missing goes.
        came_back: set after every time in which the mirror was away, at the start too; whoever compares clears it.

    Args:
        whole: reads an instance with all that is left of its visits, which are no older than itself; None if it is
            gone.
        keep: how long instances that have ended are kept; for ever if that is None.
    """

    def __init__(self, mirror: Mirror, whole: Whole, clock: Clock, *, keep: timedelta | None = None) -> None:
        self.mirror = mirror
        self.clock = clock
        self.delivery = Delivery("instances for the history", clock)
        self.comparing = Delivery("comparisons of the history", clock)
        self.came_back = asyncio.Event()
        self._whole = whole
        self._keep = keep
        self._pending = Pending()
        self._flying = Batch()
        self._events: list[tuple[str, Event]] = []
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._told: set[str] = set()
        self._arrived = 0
        self._was_away = True

    # -- what the operator tells -------------------------------------------------------------------------------

    def saved(self, source: Source, decision: Decision) -> None:
        """Hear of a save of the instance of that object."""
        self._pending.add(source, decision, self.clock.now())
        self._news.set()

    def published(self, namespace: str, event: Event) -> None:
        """Hear of an event; if too many are on their way, it is found again by comparing."""
        if len(self._events) < MOST_EVENTS:
            self._events.append((namespace, event))
            self._news.set()
        else:
            self.came_back.set()

    def adopt(self, instance: str, source: Source) -> None:
        """Have an instance put whole, unless it is on its way."""
        if instance not in self._pending and instance not in self._flying:
            self._pending.read_again(instance, source, self.clock.now())
            self._news.set()

    # -- what it tells -----------------------------------------------------------------------------------------

    def lag(self) -> Lag:
        """Return how far the mirror is behind."""
        now = self.clock.now()
        return Lag(
            waiting=len(self._pending) + len(self._flying) + len(self._events),
            behind=now - min((*self._pending.since, *self._flying.since), default=now),
            again=len(self._pending.again),
            arrived=self._arrived,
            refused=self.delivery.refused,
            trouble=self.delivery.trouble or self.comparing.trouble,
        )

    async def has(self, instance: str, revision: int, *, within: timedelta) -> bool:
        """Wait until the mirror has that revision, at most so long, and not at all while it is away."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while instance in self._pending or instance in self._flying:
                    if self.delivery.trouble:
                        return False
                    await self._moved.wait()
                return await self.lacks({instance: revision}) == []
        except (TimeoutError, Retryable, Permanent):
            return False

    async def lacks(self, revisions: Mapping[str, int]) -> list[str]:
        """Return those of these instances of which the mirror has no such revision yet, by id.

        Raises:
            Retryable: the mirror is away.
        """
        have = await self.mirror.revisions(list(revisions))
        return [one for one, revision in revisions.items() if have.get(one, -1) < revision]

    @property
    def purged_before(self) -> datetime | None:
        """When an instance has to have ended so that it is kept no more; None if all are kept."""
        return None if self._keep is None else self.clock.now() - self._keep

    @property
    def crowd(self) -> int:
        """How many instances are to be read whole, and how many events are on their way."""
        return len(self._pending.again) + len(self._events)

    # -- what it does ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect when that is possible, and send, until cancelled; no trouble of the mirror ends this."""
        await self.delivery.persistently(self.mirror.open)
        self._land()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send(), name="send history")
            if self._keep is not None:
                group.create_task(self._purge(), name="purge history")

    async def close(self, within: timedelta) -> None:
        """Send what is on its way, as long as that succeeds, and disconnect; the rest is found again."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self._left() and not self.delivery.trouble:
                    await self._deliver(self._next())
                    self._land()
        except (TimeoutError, Retryable, Permanent) as error:
            said = str(error) or "no answer in time"
            log.warning("not all of the history has arrived, and is found again: %s", said)
        await self.mirror.close()

    def _left(self) -> bool:
        return bool(self._pending) or bool(self._flying) or bool(self._events)

    def _next(self) -> Batch:
        # What was flying when sending was cancelled is put again, before anything newer of the same instances.
        self._flying = self._flying or self._pending.take(BATCH, READ_AT_ONCE)
        return self._flying

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._left():
                batch = self._next()
                await self.delivery.persistently(lambda: self._deliver(batch))  # noqa: B023 - awaited here
                self._land()
                # Little is put a moment later, with what comes until then; of much there is enough.
                await self.clock.sleep_until(
                    self.clock.now() + (GATHER if len(batch) < BATCH else timedelta())
                )

    def _land(self) -> None:
        self._flying = Batch()
        if self._was_away:
            self._was_away = False
            self.came_back.set()
        self._stir()

    def _stir(self) -> None:
        """Have all look again who wait for something to arrive."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _deliver(self, batch: Batch) -> None:
        try:
            try:
                arrived = await self._tried(batch)
            except Permanent:
                # Somebody may have taken the schema away, and opening brings it up to date.
                self._was_away = True
                await self.mirror.close()
                arrived = await self._tried(batch)
        except (Retryable, Permanent):
            self._was_away = True
            self._stir()
            raise
        self._arrived += arrived

    async def _tried(self, batch: Batch) -> int:
        await self.mirror.open()
        await self._put_events()
        changes = await self._changes(batch)
        await self._put(changes)
        return len(changes)

    async def _put_events(self) -> None:
        by_namespace: dict[str, list[Event]] = {}
        taken = len(self._events)
        for namespace, event in self._events:
            by_namespace.setdefault(namespace, []).append(event)
        for namespace, events in by_namespace.items():
            put = partial(self.mirror.put_events, namespace, events)
            await self._refusing(f"events of namespace {namespace}", put)
        del self._events[:taken]

    async def _changes(self, batch: Batch) -> list[Change]:
        have = await self.mirror.revisions(list(batch.saves)) if batch.saves else {}
        changes = []
        sources = [again.source for again in batch.again.values()]
        for one, saves in batch.saves.items():
            if have.get(one, 0) >= saves.base:
                changes.append(saves.change)
            else:
                sources.append(saves.source)
        for source in sources:
            change = await self._read(source)
            if change is not None:
                changes.append(change)
        return changes

    async def _read(self, source: Source) -> Change | None:
        try:
            return await self._whole(source)
        except Permanent as error:
            self._refused(f"instance {source.namespace}/{source.name}", error)
            return None

    async def _put(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        try:
            await self.mirror.put(changes)
        except Permanent:
            # One that nobody can store must not keep back the others.
            for change in changes:
                await self._refusing(f"instance {change.instance.name}", partial(self.mirror.put, [change]))

    async def _refusing(self, what: str, call: Callable[[], Awaitable[None]]) -> None:
        """Make a call. If the mirror answers others, and refuses this, then go on without it."""
        try:
            await call()
        except Permanent as error:
            await self.mirror.revisions([])
            self._refused(what, error)

    def _refused(self, what: str, error: Exception) -> None:
        self.delivery.refused += 1
        if what not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(what)
            log.warning("%s is missing in the history: %s", what, error)

    async def _purge(self) -> None:
        purging = Delivery("removals from the history", self.clock)
        while True:
            await purging.persistently(self._purge_all)
            await self.clock.sleep_until(self.clock.now() + PURGE_EVERY)

    async def _purge_all(self) -> None:
        before = self.purged_before
        # Each call is short, and others write in between.
        while before is not None and await self.mirror.purge(before=before, limit=PURGED_AT_ONCE):
            await self.clock.sleep_until(self.clock.now() + GATHER)
