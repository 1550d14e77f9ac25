"""The runtime of a host: its drivers, and what they share.

A host makes one, with a store, executors, leases and a clock. It starts and recovers instances; everything it
starts belongs to its nursery and ends with it. What goes wrong with one instance ends that instance's driver
and is raised by `wait`; what goes wrong with the host's own watching breaks the nursery.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from wfe.engine import Birth, Circumstances, begin, submit
from wfe.errors import NotFound, Permanent
from wfe.graph.graph import Graph
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.record import Lifecycle
from wfe.model.signals import Signal
from wfe.ports.clock import Clock
from wfe.ports.leases import Leases
from wfe.ports.store import Published, Store
from wfe.runtime.children import Children
from wfe.runtime.definitions import Definitions
from wfe.runtime.dispatch import Dispatch
from wfe.runtime.driver import Driver
from wfe.runtime.ends import Ends
from wfe.runtime.events import Waiters
from wfe.runtime.gates import Gates
from wfe.runtime.nursery import Nursery
from wfe.runtime.parking import Parking
from wfe.runtime.patience import persistently
from wfe.runtime.placing import Placing
from wfe.runtime.tasks import TaskRunner
from wfe.runtime.trees import TTL, HeldElsewhere, Trees, root_of

__all__ = ["HeldElsewhere", "Listener", "Runtime"]

LOOK: Final = timedelta(milliseconds=50)
ATTEMPTS: Final = 4
SETTLING: Final = timedelta(seconds=1)
Listener = Callable[[Instance, Lifecycle], None]


@dataclass(frozen=True, slots=True)
class _Drive:
    driver: Driver
    task: asyncio.Task[None]


@dataclass(slots=True)
class Runtime:
    """Drives instances. All arguments are ports; nothing here knows a vendor."""

    store: Store
    leases: Leases
    clock: Clock
    definitions: Definitions
    tasks: TaskRunner
    nursery: Nursery
    driver_type: type[Driver] = Driver
    listeners: list[Listener] = field(default_factory=list)
    park_after: timedelta | None = None
    ttl: timedelta = TTL
    _drives: dict[str, _Drive] = field(default_factory=dict)
    _trees: Trees = field(init=False)
    _ends: Ends = field(init=False)
    _waiters: Waiters = field(init=False)
    _dispatch: Dispatch = field(init=False)
    _placing: Placing = field(init=False)
    _parking: Parking = field(init=False)
    _gates: Gates = field(init=False)
    # One bound method for all that wait, who are many.
    _wake_parked: Callable[[str], bool] = field(init=False)

    def __post_init__(self) -> None:
        self._trees = Trees(self.leases, self.ttl)
        self._ends = Ends(self.store)
        self._waiters = Waiters(self.store)
        self._placing = Placing(self.clock, self.tasks)
        self._parking = Parking(self.clock, self._wake)
        self._gates = Gates(self.store, self.clock, self.signal)
        self._wake_parked = self._parking.wake
        children = Children(self.store, self.definitions, self)
        self._dispatch = Dispatch(self.store, self.clock, self.nursery, self.tasks, self._waiters, children)

    def open(self) -> None:
        """Begin to watch for what other processes write, and to renew leases."""
        self.nursery.start(self._watch(), name="watch the store")
        self.nursery.start(self._renew(), name="renew leases")
        self.nursery.start(self._parking.run(), name="wake the parked")

    # -- instances ---------------------------------------------------------------------------------------------

    async def start(self, graph: Graph, birth: Birth) -> str:
        """Create an instance and drive it. One of that id is not created again, and driven if nobody does.

        Raises:
            NameTaken: another instance has the name.
            NotFound: it has a step that starts a workflow that nobody knows.
            StoreUnavailable: the store cannot be reached; it may have been created nevertheless.
        """
        return await persistently(self.clock, lambda: self._start(graph, birth), attempts=ATTEMPTS)

    async def _start(self, graph: Graph, birth: Birth) -> str:
        await self.definitions.keep(graph)
        pins = birth.pins or await self.definitions.closure(graph)
        birth = replace(birth, pins=pins)
        if graph.concurrency is None:
            decision = await self._placing.decide(graph, None, lambda world: begin(graph, birth, world=world))
        else:
            world = Circumstances(now=self.clock.now())
            decision = submit(graph, birth, world=world, message="waits for a place in its concurrency group")
        if birth.parent is None:
            await self._trees.claim(birth.id)
        if await self.store.create(decision):
            self._drive(graph, decision.instance, decision)
        else:
            with suppress(HeldElsewhere):
                await self._recover(birth.id)
        return birth.id

    async def submit(self, graph: Graph, birth: Birth) -> str:
        """Create an instance and leave it to whichever host works on it first; it is Pending until then.

        Raises:
            NameTaken: another instance has the name.
            NotFound: it has a step that starts a workflow that nobody knows.
            StoreUnavailable: the store cannot be reached; it may have been created nevertheless.
        """
        await persistently(self.clock, lambda: self.definitions.keep(graph), attempts=ATTEMPTS)
        pins = birth.pins or await self.definitions.closure(graph)
        decision = submit(graph, replace(birth, pins=pins), world=Circumstances(now=self.clock.now()))
        await persistently(self.clock, lambda: self.store.create(decision), attempts=ATTEMPTS)
        return birth.id

    async def is_free(self, root: str) -> bool:
        """Say whether nobody works on an instance and its children."""
        return await self._trees.is_free(root)

    async def recover(self, instance_id: str) -> None:
        """Go on with an instance that this or another process has left; return once it is seen whether it only waits.

        Raises:
            NotFound: there is none.
            HeldElsewhere: another live process works on it.
        """
        await persistently(self.clock, lambda: self._recover(instance_id), attempts=ATTEMPTS)
        # Whoever recovers many holds as many in memory as they recover at once. One that cannot settle holds up none.
        if (drive := self._drives.get(instance_id)) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLING.total_seconds()):
                    await drive.driver.settled.wait()

    async def _recover(self, instance_id: str) -> None:
        if not self.is_driving(instance_id):
            await self._load_and_drive(instance_id)

    async def _load_and_drive(self, instance_id: str) -> None:
        instance = await self.store.load(instance_id)
        if instance is None:
            raise NotFound(f"there is no instance `{instance_id}`; `wfe list` shows those there are")
        if instance.status.is_final:
            self._ends.ended(instance)
            return
        await self._trees.hold(instance)
        graph = await self.definitions.pinned(instance.workflow)
        self._drive(graph, instance, None)

    def _drive(self, graph: Graph, instance: Instance, born: Decision | None) -> None:
        if instance.id in self._drives:
            return
        driver = self.driver_type(
            graph,
            instance,
            store=self.store,
            placing=self._placing,
            dispatcher=self._dispatch,
            publish=self._publish,
        )
        driver.patience = self.park_after
        task = self.nursery.start(self._run(driver, born), name="drive")
        self._drives[instance.id] = _Drive(driver, task)
        self._trees.joined(instance)
        parked = self._parking.take(instance.id)
        if self.park_after is None or born is not None or parked is not None:
            # One that was woken is looked at with patience: what woke it may take a while to be found.
            driver.settled.set()
        if parked is not None:
            self._trees.left(parked.root)
            for signal in parked.told:
                driver.tell(signal)

    async def _run(self, driver: Driver, born: Decision | None) -> None:
        instance = driver.instance
        waits = False
        gate = self.nursery.start(self._gates.open(driver), name="wait for a place")
        try:
            last = await driver.run(born)
            waits = not last.status.is_final
            if not waits:
                self._ends.ended(last)
                gate.cancel()
                await persistently(self.clock, partial(self._gates.leave, driver.graph, last))
        except Exception as error:  # noqa: BLE001 - it is this instance's, and no other's
            self._ends.broke(instance.id, error)
        finally:
            gate.cancel()
            driver.settled.set()
            del self._drives[instance.id]
            if waits:
                self._parking.put(instance.id, root_of(instance), driver.wake_at)
                self._dispatch.leave(instance.id, self._wake_parked)
            else:
                self._dispatch.forget(instance.id)
        if not waits:
            await self._left(root_of(instance))

    async def _left(self, root: str) -> None:
        if self._trees.left(root):
            await persistently(self.clock, lambda: self._trees.release(root))

    async def _dropped(self, drive: "_Drive") -> None:
        """Leave the tree of an instance that is not driven on: a task that is cancelled cannot do so itself."""
        await asyncio.wait([drive.task])
        if drive.task.cancelled():
            await self._left(root_of(drive.driver.instance))

    def _wake(self, instance_id: str) -> None:
        self.nursery.start(self._reawaken(instance_id), name="wake")

    async def _reawaken(self, instance_id: str) -> None:
        try:
            await persistently(self.clock, lambda: self._load_and_drive(instance_id))
        except Permanent as error:
            self._ends.broke(instance_id, error)
        if (parked := self._parking.take(instance_id)) is not None:
            # It has ended, is gone, or another host has it.
            self._dispatch.forget(instance_id)
            await self._left(parked.root)

    async def wait(self, instance_id: str) -> Instance:
        """Return the instance once it has ended, whoever drives it; raise what makes that impossible.

        Raises:
            NotFound: there is none.
        """
        end = self._ends.of(instance_id)
        if instance_id not in self._drives:
            await self._ends.look(instance_id)
        broken = asyncio.create_task(self.nursery.broken())
        waited: set[asyncio.Future[Any]] = {end, broken}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken.cancel()
        if not end.done():
            self.nursery.check()
        return end.result()

    async def signal(self, instance_id: str, signal: Signal) -> None:
        """Give a signal to an instance; it is durable when this returns.

        Raises:
            NotFound: there is no such instance.
        """
        await self.store.post(instance_id, signal)
        self._look_in_inbox(instance_id)

    def _look_in_inbox(self, instance_id: str) -> None:
        if (drive := self._drives.get(instance_id)) is not None:
            drive.driver.look_in_inbox()
        else:
            self._parking.wake(instance_id)

    def tell(self, instance_id: str, signal: Signal) -> bool:
        """Give a signal to an instance that is driven here, without storing it; it must come again after a crash.

        Returns:
            False if nobody here drives the instance.
        """
        drive = self._drives.get(instance_id)
        if drive is None:
            return self._parking.wake(instance_id, signal)
        drive.driver.tell(signal)
        return True

    def drop(self, instance_id: str) -> None:
        """Stop driving an instance: somebody else does, or it is gone. What runs goes on."""
        if (drive := self._drives.get(instance_id)) is not None:
            if not drive.task.cancelling():
                drive.task.cancel()
                self.nursery.start(self._dropped(drive), name="let go")
        elif (parked := self._parking.take(instance_id)) is not None:
            self._dispatch.forget(instance_id)
            self.nursery.start(self._left(parked.root), name="let go")

    async def publish_event(self, name: str, key: str, payload: Json) -> int:
        """Keep an event, hand it to whoever waits, and return its sequence number."""
        event = await self.store.publish(name, key, payload, now=self.clock.now())
        await persistently(self.clock, lambda: self._waiters.look_for(event))
        return event.sequence

    def busy(self) -> int:
        """Return how many trees are driven here that do not only wait."""
        return len({root_of(drive.driver.instance) for drive in self._drives.values()})

    def is_driving(self, instance_id: str) -> bool:
        return instance_id in self._drives or instance_id in self._parking

    def is_parked(self, instance_id: str) -> bool:
        """Whether an instance of ours only waits, so that nothing is done for it here."""
        return instance_id in self._parking

    def value(self, instance_id: str) -> Instance | None:
        """Return the last saved value of an instance that is driven here."""
        drive = self._drives.get(instance_id)
        return drive.driver.instance if drive else None

    async def close(self) -> None:
        """Stop driving. Processes go on and are found again."""
        roots = self._trees.roots()
        await self.nursery.close()
        for root in roots:
            await self._trees.release(root)

    # -- the rest of the world ---------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            published = await persistently(self.clock, self.store.changes)
            await persistently(self.clock, partial(self._look_around, published))
            # Our own writes are news as well, and many: what they mean to us has been told without the store.
            await self.clock.sleep_until(self.clock.now() + LOOK)

    async def _look_around(self, published: Published) -> None:
        for instance in await self.store.inboxes():
            self._look_in_inbox(instance)
        await self._waiters.look_around(published)
        self._gates.stir()
        for instance in self._ends.awaited():
            if not self.is_driving(instance):
                await self._ends.look(instance)

    async def _renew(self) -> None:
        while True:
            await self.clock.sleep_until(self.clock.now() + self.ttl / 3)
            lost = await persistently(self.clock, self._trees.renew)
            driven = [drive.driver.instance for drive in self._drives.values()]
            held = [instance.id for instance in driven if root_of(instance) in lost]
            for instance_id in (*held, *self._parking.of(lost)):
                self.drop(instance_id)

    def _publish(self, instance: Instance, change: Lifecycle) -> None:
        for listener in self.listeners:
            listener(instance, change)
