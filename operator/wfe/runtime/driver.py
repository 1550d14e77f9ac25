"""A driver: it carries one instance from save to save.

    signals ─▶ advance (pure) ─▶ save (compare-and-swap) ─▶ commands ─▶ the world ─▶ signals …

Nothing is dispatched before its save. Whatever came in while a save was under way goes into the next decision.
A save that finds another revision, or whose answer was lost, is answered by loading the instance anew, giving the
same signals again (stale ones change nothing) and dispatching all that is outstanding (doing it twice is harmless).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from wfe.engine import Circumstances, advance, outstanding
from wfe.errors import NotFound, Retryable
from wfe.graph.graph import Graph
from wfe.model.commands import Command
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle
from wfe.model.signals import Signal
from wfe.ports.clock import Clock
from wfe.ports.store import Store

T = TypeVar("T")
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (0.05, 0.2, 1, 5))


class Dispatcher(Protocol):
    """Carries out commands; an answer comes back through the driver's `tell`."""

    def dispatch(self, driver: "Driver", command: Command) -> None: ...

    def incarnation(self) -> str: ...


class Driver:
    """Drives one instance until it has ended. `finished` is set with its last value."""

    def __init__(
        self,
        graph: Graph,
        instance: Instance,
        *,
        store: Store,
        clock: Clock,
        dispatcher: Dispatcher,
        publish: Callable[[Instance, Lifecycle], None],
    ) -> None:
        self.graph = graph
        self.instance = instance
        self._store = store
        self._clock = clock
        self._dispatcher = dispatcher
        self._publish = publish
        self._mailbox: list[Signal] = []
        self._inbox_may_have_mail = True
        self._stirred = asyncio.Event()
        self._wake_at: datetime | None = None

    def tell(self, signal: Signal) -> None:
        """Hand over what happened; it is decided about soon."""
        self._mailbox.append(signal)
        self._stirred.set()

    def look_in_inbox(self) -> None:
        """Somebody else may have left a signal in the store."""
        self._inbox_may_have_mail = True
        self._stirred.set()

    async def run(self, born: Decision | None = None) -> Instance:
        """Drive the instance to its end and return it.

        Args:
            born: the decision that made the instance, if it was just created; otherwise it is being recovered and
                everything outstanding is dispatched.
        """
        if born is None:
            self._dispatch_outstanding()
            self._stirred.set()
        else:
            self._took(born)
        while not self.instance.status.is_final:
            await self._wait()
            await self._decide()
        return self.instance

    async def _wait(self) -> None:
        if not self._stirred.is_set():
            if self._wake_at is None:
                await self._stirred.wait()
            else:
                await self._wait_until(self._wake_at)
        self._stirred.clear()

    async def _wait_until(self, when: datetime) -> None:
        delay = max(0.0, (when - self._clock.now()).total_seconds())
        try:
            # A timer that fires early is asked again by the next round: advance acts on nothing before its time.
            async with asyncio.timeout(min(delay, 3600.0)):
                await self._stirred.wait()
        except TimeoutError:
            pass

    async def _decide(self) -> None:
        consumed: list[int] = []
        signals = self._mailbox
        self._mailbox = []
        if self._inbox_may_have_mail:
            self._inbox_may_have_mail = False
            for sequence, signal in await self._persistently(lambda: self._store.inbox(self.instance.id)):
                consumed.append(sequence)
                signals.append(signal)
        world = Circumstances(
            now=self._clock.now(), jitter=self._clock.jitter(), incarnation=self._dispatcher.incarnation()
        )
        decision = advance(self.graph, self.instance, signals, world=world)
        self._wake_at = decision.wake_at
        if not decision.changed:
            if not consumed:
                return
            # Stale mail is consumed by a save like any other, so that it is read once.
            kept = replace(self.instance, revision=self.instance.revision + 1)
            decision = replace(decision, instance=kept)
        try:
            await self._store.save(decision, consumed=consumed)
        except Retryable:
            self._mailbox = [*signals, *self._mailbox]
            await self._reload()
        else:
            self._took(decision)

    def _took(self, decision: Decision) -> None:
        self.instance = decision.instance
        self._wake_at = decision.wake_at
        for command in decision.commands:
            self._dispatcher.dispatch(self, command)
        for change in decision.lifecycle:
            self._publish(self.instance, change)

    async def _reload(self) -> None:
        """Take what the store has, whether our save happened or another's."""
        instance = await self._persistently(lambda: self._store.load(self.instance.id))
        if instance is None:
            raise NotFound(f"instance `{self.instance.name}` is gone from the store; somebody deleted it")
        self.instance = instance
        self._inbox_may_have_mail = True
        self._stirred.set()
        self._dispatch_outstanding()

    def _dispatch_outstanding(self) -> None:
        for command in outstanding(self.graph, self.instance):
            self._dispatcher.dispatch(self, command)

    async def _persistently(self, call: Callable[[], Awaitable[T]]) -> T:
        attempt = 0
        while True:
            try:
                return await call()
            except Retryable:
                pause = PAUSES[min(attempt, len(PAUSES) - 1)]
                attempt += 1
                await self._clock.sleep_until(self._clock.now() + pause)
