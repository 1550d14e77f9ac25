"""The runtime of a host: its drivers, and what carries out their commands.

A host makes one, with a store, executors, leases and a clock. It starts and recovers instances; everything it
starts belongs to its nursery and ends with it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, assert_never

from wfe.engine import Birth, Circumstances, begin
from wfe.errors import NotFound, Permanent, WfeError
from wfe.graph.fields import resolve_inputs
from wfe.graph.graph import Graph
from wfe.model import commands as c
from wfe.model.decision import Decision
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance, ParentRef
from wfe.model.json import Data, Json
from wfe.model.record import Lifecycle
from wfe.model.signals import (
    CancelRequested,
    ChildEnded,
    ResumeRequested,
    Signal,
    SuspendRequested,
)
from wfe.model.status import InstanceStatus
from wfe.ports.clock import Clock
from wfe.ports.leases import Leases
from wfe.ports.store import ActivityOffer, Store
from wfe.runtime.definitions import Definitions
from wfe.runtime.driver import Driver
from wfe.runtime.events import Waiters
from wfe.runtime.nursery import Nursery
from wfe.runtime.tasks import TaskRunner

LEASE: Final = timedelta(seconds=10)
RENEW: Final = timedelta(seconds=3)
Listener = Callable[[Instance, Lifecycle], None]


class HeldElsewhere(Permanent):
    """Another live process works on the instance."""


@dataclass(slots=True)
class Runtime:
    """Drives instances. All arguments are ports; nothing here knows a vendor."""

    store: Store
    leases: Leases
    clock: Clock
    definitions: Definitions
    tasks: TaskRunner
    nursery: Nursery
    listeners: list[Listener] = field(default_factory=list)
    _drivers: dict[str, Driver] = field(default_factory=dict)
    _ends: dict[str, asyncio.Future[Instance]] = field(default_factory=dict)
    _waiters: Waiters = field(init=False)

    def __post_init__(self) -> None:
        self._waiters = Waiters(self.store)

    def open(self) -> None:
        """Begin to watch for what other processes write, and to renew leases."""
        self.nursery.start(self._watch(), name="watch the store")
        self.nursery.start(self._renew(), name="renew leases")

    # -- instances ---------------------------------------------------------------------------------------------

    async def start(self, graph: Graph, birth: Birth) -> str:
        """Create an instance and drive it. An instance of that id is not created again.

        Raises:
            NameTaken: another instance has the name.
            NotFound: it has a step that starts a workflow that nobody knows.
        """
        await self.definitions.keep(graph)
        pins = birth.pins or await self.definitions.closure(graph)
        world = Circumstances(
            now=self.clock.now(), jitter=self.clock.jitter(), incarnation=self.tasks.incarnation
        )
        decision = begin(graph, _with_pins(birth, pins), world=world)
        if birth.parent is None:
            await self.leases.acquire(_lease(birth.id), LEASE)
        if await self.store.create(decision):
            self._drive(graph, decision.instance, decision)
        else:
            await self.recover(birth.id)
        return birth.id

    async def recover(self, instance_id: str) -> None:
        """Go on with an instance that this or another process has left.

        Raises:
            NotFound: there is none.
            HeldElsewhere: another live process works on it.
        """
        if instance_id in self._drivers:
            return
        instance = await self.store.load(instance_id)
        if instance is None:
            raise NotFound(f"there is no instance `{instance_id}`; `wfe list` shows those there are")
        if instance.status.is_final:
            self._finish(instance)
            return
        if instance.parent is None and await self.leases.acquire(_lease(instance_id), LEASE) is None:
            holder = await self.leases.holder(_lease(instance_id))
            raise HeldElsewhere(
                f"instance `{instance.name}` is being worked on by another process ({holder}); "
                "stop that one first, or wait until its lease runs out"
            )
        graph = await self.definitions.pinned(instance.workflow)
        self._drive(graph, instance, None)

    def _drive(self, graph: Graph, instance: Instance, born: Decision | None) -> None:
        if instance.id in self._drivers:
            return
        driver = Driver(
            graph, instance, store=self.store, clock=self.clock, dispatcher=self, publish=self._publish
        )
        self._drivers[instance.id] = driver
        self.nursery.start(self._run(driver, born), name=f"drive {instance.name}")

    async def _run(self, driver: Driver, born: Decision | None) -> None:
        instance = driver.instance
        try:
            instance = await driver.run(born)
        finally:
            self._drivers.pop(instance.id, None)
            self._waiters.forget(instance.id)
        if instance.parent is None:
            await self.leases.release(_lease(instance.id))
        self._finish(instance)

    def _finish(self, instance: Instance) -> None:
        end = self._ends.pop(instance.id, None)
        if end is not None and not end.done():
            end.set_result(instance)

    async def wait(self, instance_id: str) -> Instance:
        """Return the instance once it has ended, or once this runtime breaks raise why."""
        end = self._ends.get(instance_id)
        if end is None:
            end = self._ends[instance_id] = asyncio.get_running_loop().create_future()
            if instance_id not in self._drivers:
                instance = await self.store.load(instance_id)
                if instance is None:
                    raise NotFound(f"there is no instance `{instance_id}`")
                if instance.status.is_final:
                    self._finish(instance)
        broken = asyncio.ensure_future(self.nursery.broken())
        try:
            await asyncio.wait({end, broken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken.cancel()
        if not end.done():
            self.nursery.check()
        return await end

    async def signal(self, instance_id: str, signal: Signal) -> None:
        """Give a signal to an instance: directly if it is driven here, through its inbox otherwise."""
        driver = self._drivers.get(instance_id)
        if driver is None:
            await self.store.post(instance_id, signal)
        else:
            driver.tell(signal)

    async def publish_event(self, name: str, key: str, payload: Json) -> int:
        """Keep an event, hand it to whoever waits, and return its sequence number."""
        event = await self.store.publish(name, key, payload, now=self.clock.now())
        await self._waiters.look_for(event)
        return event.sequence

    def is_driving(self, instance_id: str) -> bool:
        return instance_id in self._drivers

    def value(self, instance_id: str) -> Instance | None:
        """Return the last saved value of an instance that is driven here."""
        driver = self._drivers.get(instance_id)
        return driver.instance if driver else None

    # -- carrying out commands ---------------------------------------------------------------------------------

    def incarnation(self) -> str:
        return self.tasks.incarnation

    def dispatch(self, driver: Driver, command: c.Command) -> None:
        """Carry out a command; answers come back through the driver."""
        instance = driver.instance
        match command:
            case c.StartTask():
                self.tasks.start(driver.graph, instance, command, driver.tell)
            case c.KillTask():
                self.tasks.kill(instance, command)
            case c.AwaitEvent():
                self._later(self._waiters.add(instance.id, command, driver.tell), "await event")
            case c.StartChild():
                self._later(self._start_child(driver, command), "start child")
            case c.CancelChild(child=child):
                self._later(self.signal(child, CancelRequested(reason="its parent was cancelled")), "cancel child")
            case c.SuspendChild(child=child):
                self._later(self.signal(child, SuspendRequested(reason="its parent is suspended")), "suspend child")
            case c.ResumeChild(child=child):
                self._later(self.signal(child, ResumeRequested()), "resume child")
            case c.OfferActivity():
                self._later(self.store.offer(_offer(instance, command)), "offer activity")
            case c.Withdraw(path=path, attempt=attempt):
                self._waiters.remove(instance.id, path, attempt)
                self._later(self.store.withdraw(instance.id, path, attempt), "withdraw")
            case _:
                assert_never(command)

    def _later(self, work: "asyncio._CoroutineLike[object]", name: str) -> None:
        self.nursery.start(work, name=name)  # type: ignore[arg-type]

    async def _start_child(self, driver: Driver, command: c.StartChild) -> None:
        """Create the child or find it, drive it, and tell the parent how it ended."""
        parent = driver.instance
        try:
            graph = await self.definitions.child(parent, command.workflow, command.version)
            inputs = _child_inputs(graph, parent, command)
        except WfeError as error:
            failure = Failure(reason=Reason.CONFIG_INVALID, message=str(error))
            driver.tell(
                ChildEnded(
                    path=command.path, attempt=command.attempt, status=InstanceStatus.FAILED, failure=failure
                )
            )
            return
        birth = Birth(
            id=command.child,
            name=f"{parent.name}/{command.path}" + (f"#{command.attempt}" if command.attempt > 1 else ""),
            inputs=inputs,
            variables=parent.variables,
            parent=ParentRef(parent.id, command.path, command.attempt),
            root=parent.root or parent.id,
            trace=parent.trace,
            pins=parent.pins,
        )
        await self.start(graph, birth)
        child = await self.wait(command.child)
        driver.tell(
            ChildEnded(
                path=command.path,
                attempt=command.attempt,
                status=child.status,
                outputs=child.outputs if graph.outputs and child.outputs is not None else child.data,
                failure=child.failure,
            )
        )

    # -- the rest of the world ---------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await self.store.changes()
            for instance in await self.store.inboxes():
                if (driver := self._drivers.get(instance)) is not None:
                    driver.look_in_inbox()
            await self._waiters.look_for_all()

    async def _renew(self) -> None:
        while True:
            await self.clock.sleep_until(self.clock.now() + RENEW)
            await self.leases.renew(LEASE)

    def _publish(self, instance: Instance, change: Lifecycle) -> None:
        for listener in self.listeners:
            listener(instance, change)

    async def close(self) -> None:
        """Stop driving. Processes go on and are found again."""
        await self.nursery.close()
        for instance in list(self._drivers):
            await self.leases.release(_lease(instance))


def _with_pins(birth: Birth, pins: Mapping[str, str]) -> Birth:
    return birth if birth.pins == pins else _replace(birth, pins=dict(pins))


def _lease(instance: str) -> str:
    return f"instance/{instance}"


def _offer(instance: Instance, command: c.OfferActivity) -> ActivityOffer:
    return ActivityOffer(
        instance=instance.id,
        path=command.path,
        attempt=command.attempt,
        name=command.name,
        params=command.params,
        claim=command.claim,
    )


def _child_inputs(graph: Graph, parent: Instance, command: c.StartChild) -> Data:
    """A child sees what it is given; then, for inputs it declares and was not given, the parent's data by name."""
    given = dict(command.inputs)
    pointer = parent.pointers.get(command.path)
    if pointer is not None:
        seen = _names_of(parent, command.path).data()
        given.update({name: seen[name] for name in graph.inputs if name not in given and name in seen})
    return resolve_inputs(graph, given, parent.variables)


from dataclasses import replace as _replace  # noqa: E402

from wfe.engine import names_of as _names_of  # noqa: E402
