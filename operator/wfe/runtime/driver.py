"""A driver: it carries one instance from save to save.

    signals ─▶ advance (pure) ─▶ save (compare-and-swap) ─▶ commands ─▶ the world ─▶ signals …

Nothing is dispatched before its save. Whatever came in while a save was under way goes into the next decision.
A save that finds another revision, or whose answer was lost, is answered by loading the instance anew, giving the
same signals again (stale ones change nothing) and dispatching all that is outstanding (doing it twice is harmless).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from wfe.engine import Circumstances, advance, outstanding
from wfe.errors import Conflict, NotFound, Retryable
from wfe.graph.graph import Graph
from wfe.model.commands import AwaitEvent, Command, OfferActivity
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.model.signals import FailRequested, Signal
from wfe.model.status import InstanceStatus
from wfe.ports.executor import CannotGoOn
from wfe.ports.store import Store
from wfe.runtime.patience import pause, persistently
from wfe.runtime.placing import Placing

# A loop's timers do not reach years; waking up in between costs nothing.
LONGEST_WAIT: Final = timedelta(hours=1)
NO_PATIENCE: Final = timedelta()


class Dispatcher(Protocol):
    """Carries out commands; an answer comes back through the driver's `tell`."""

    def dispatch(self, driver: "Driver", command: Command) -> None: ...


class Driver:
    """Drives one instance until it has ended, or has only waited for longer than its `patience`.

    Attributes:
        patience: None to wait for ever.
        settled: set once it is known that the instance does not only wait. Until then there is no patience: of many
            that are found again most only wait, and each takes memory while it is driven.
    """

    def __init__(
        self,
        graph: Graph,
        instance: Instance,
        *,
        store: Store,
        placing: Placing,
        dispatcher: Dispatcher,
        publish: Callable[[Instance, Lifecycle], None],
    ) -> None:
        self.graph = graph
        self.instance = instance
        self._store = store
        self._clock = placing.clock
        self._placing = placing
        self._dispatcher = dispatcher
        self._publish = publish
        self.patience: timedelta | None = None
        self.settled = asyncio.Event()
        self._may_begin = graph.concurrency is None
        self._told: list[Signal] = []
        self._may_have_mail = False
        self._stirred = asyncio.Event()
        self._wake_at: datetime | None = None
        self._failed_saves = 0
        self._error: Exception | None = None

    def tell(self, signal: Signal) -> None:
        """Hand over what happened; it is decided about soon. It must come again after a crash by itself."""
        self._told.append(signal)
        self._stirred.set()

    def may_begin(self) -> None:
        """Its concurrency group has a place for it."""
        self._may_begin = True
        self._stirred.set()

    def look_in_inbox(self) -> None:
        """Somebody may have left a signal in the store."""
        self._may_have_mail = True
        self._stirred.set()

    def give_up(self, error: Exception) -> None:
        """End `run` with this error: something that the instance needs cannot be done."""
        self._error = error
        self._stirred.set()

    def held_up(self, error: Retryable) -> None:
        """Hear why nothing can be decided just now; it is tried again. A host may tell of it."""

    @property
    def wake_at(self) -> datetime | None:
        """When there is something to decide though nothing happens."""
        return self._wake_at

    async def run(self, born: Decision | None = None) -> Instance:
        """Drive the instance to its end and return it, or what it is once the patience is over.

        Args:
            born: the decision that made the instance, if it was just created; otherwise it is being recovered and
                everything outstanding is dispatched.
        """
        if born is None:
            self._dispatch_outstanding()
            self.look_in_inbox()
        else:
            self._took(born)
        while not self.instance.status.is_final:
            if not await self._wait():
                break
            if self._error is not None:
                raise self._error
            await self._decide()
        return self.instance

    async def _wait(self) -> bool:
        """Wait until there may be something to decide. False: it took too long, and nobody is needed to wait."""
        while not self._stirred.is_set():
            due = None if self._wake_at is None else self._wake_at - self._clock.now()
            limits = [limit for limit in (due, self._patience_now, LONGEST_WAIT) if limit is not None]
            try:
                async with asyncio.timeout(max(0.0, min(limits).total_seconds())):
                    await self._stirred.wait()
            except TimeoutError:
                # A timer that fires early is asked again by the next round: advance acts on nothing before its time.
                if due is not None and due == min(limits):
                    return True
                if self._stirred.is_set():
                    break  # in the same moment
                if self.patience is not None and self._only_waits():
                    return False
                self.settled.set()
        self._stirred.clear()
        return True

    @property
    def _patience_now(self) -> timedelta | None:
        return self.patience if self.patience is None or self.settled.is_set() else NO_PATIENCE

    def _only_waits(self) -> bool:
        """Whether everything it waits for comes by itself: the time, an event, somebody's signal."""
        if self.instance.status is InstanceStatus.PENDING:
            return False
        waits = (AwaitEvent, OfferActivity)
        return all(isinstance(command, waits) for command in outstanding(self.graph, self.instance))

    async def _decide(self) -> None:
        told, self._told = self._told, []
        mail = await self._mail()
        try:
            decision = await self._placed([*told, *(signal for _, signal in mail)])
        except Retryable as error:
            self.held_up(error)
            self.settled.set()
            # Nothing was saved: all that happened is decided about again, with whatever happens meanwhile.
            self._told = [*told, *self._told]
            self._failed_saves += 1
            await pause(self._clock, self._failed_saves)
            self.look_in_inbox()
            return
        self._wake_at = decision.wake_at
        if decision.instance is self.instance:
            if not mail:
                return
            # Stale mail is consumed by a save like any other, so that it is read once.
            decision = replace(decision, instance=replace(self.instance, revision=self.instance.revision + 1))
        try:
            await self._save(decision, [sequence for sequence, _ in mail])
        except Retryable as error:
            self._told = [*told, *self._told]
            await self._reload(error)

    async def _placed(self, signals: Sequence[Signal]) -> Decision:
        def decide(world: Circumstances) -> Decision:
            return advance(
                self.graph, self.instance, signals, world=replace(world, may_begin=self._may_begin)
            )

        try:
            return await self._placing.decide(self.graph, self.instance, decide)
        except CannotGoOn as lost:
            signals = [FailRequested(failure=lost.failure), *signals]
            return await self._placing.decide(self.graph, self.instance, decide)

    async def _save(self, decision: Decision, consumed: Sequence[int]) -> None:
        await self._store.save(decision, consumed=consumed)
        self._failed_saves = 0
        self._took(decision)

    async def _mail(self) -> list[tuple[int, Signal]]:
        if not self._may_have_mail:
            return []
        self._may_have_mail = False
        return list(await persistently(self._clock, lambda: self._store.inbox(self.instance.id)))

    def _took(self, decision: Decision) -> None:
        self.instance = decision.instance
        self.settled.set()
        self._wake_at = decision.wake_at
        for command in decision.commands:
            self._dispatcher.dispatch(self, command)
        for change in decision.lifecycle:
            self._publish(self.instance, change)

    async def _reload(self, error: Retryable) -> None:
        """Take what the store has, whether our save happened or another's."""
        if not isinstance(error, Conflict):
            self._failed_saves += 1
            await pause(self._clock, self._failed_saves)
        instance = await persistently(self._clock, lambda: self._store.load(self.instance.id))
        if instance is None:
            raise NotFound(f"instance `{self.instance.name}` is gone from the store; somebody deleted it")
        self.instance = instance
        self.look_in_inbox()
        self._dispatch_outstanding()

    def _dispatch_outstanding(self) -> None:
        for command in outstanding(self.graph, self.instance):
            self._dispatcher.dispatch(self, command)
