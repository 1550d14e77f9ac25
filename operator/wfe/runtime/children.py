"""Child instances: started, kept suspended as long as their parent is, and told of when they end.

Cancelling, suspending and resuming go by what the parent is now, not by the order of commands: a look at the
parent, after every command and whenever the child is found again, puts right what was not carried out. Each such
order says at which revision of the parent it was given, and the child takes none that is older than its last.
"""

import asyncio
from collections import defaultdict
from typing import Final, Protocol

from wfe.engine import Birth, names_of
from wfe.errors import NotFound, Permanent
from wfe.graph.fields import resolve_inputs
from wfe.graph.graph import Graph
from wfe.model.commands import StartChild
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance, ParentRef
from wfe.model.json import Data
from wfe.model.signals import CancelRequested, ChildEnded, ResumeRequested, Signal, SuspendRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import Store
from wfe.runtime.definitions import Definitions
from wfe.runtime.driver import Driver

PARENT_SUSPENDED: Final = "its parent is suspended"


class Instances(Protocol):
    """What children need of the runtime."""

    async def start(self, graph: Graph, birth: Birth) -> str: ...

    async def recover(self, instance_id: str) -> None: ...

    async def wait(self, instance_id: str) -> Instance: ...

    async def signal(self, instance_id: str, signal: Signal) -> None: ...

    def is_driving(self, instance_id: str) -> bool: ...

    def value(self, instance_id: str) -> Instance | None: ...


class Children:
    """The children of the instances that this host drives."""

    def __init__(self, store: Store, definitions: Definitions, instances: Instances) -> None:
        self._store = store
        self._definitions = definitions
        self._instances = instances
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def follow(self, driver: Driver, command: StartChild) -> None:
        """Create the child or find it, drive it, and tell the parent how it ended."""
        parent = driver.instance
        try:
            graph = await self._definitions.child(parent, command.workflow, command.version)
            await self._start(parent, graph, command)
        except Permanent as error:
            driver.tell(_refused(command, error))
            return
        await self.adjust(driver, command.path, command.child, since=parent)
        try:
            child = await self._instances.wait(command.child)
        except NotFound:
            driver.tell(_refused(command, NotFound("the child instance was deleted before it had ended")))
            return
        finally:
            self._locks.pop(command.child, None)
        driver.tell(_ended(command, graph, child))

    async def _start(self, parent: Instance, graph: Graph, command: StartChild) -> None:
        try:
            await self._instances.start(graph, _birth(parent, graph, command))
        except Permanent:
            # What it was given may look otherwise by now; a child that exists was started with what was right.
            if await self._store.resolve(command.child) is None:
                raise
            await self._instances.recover(command.child)

    async def adjust(self, driver: Driver, path: str, child: str, *, since: Instance | None = None) -> None:
        """Make the child what its parent's step wants it to be: cancelled, suspended, or going on.

        Args:
            driver: the parent's.
            path: the parent's visit.
            child: the child's id.
            since: the parent as it was when the child was asked for, if it may just have been created.
        """
        async with self._locks[child]:
            pointer = driver.instance.pointers.get(path)
            if pointer is None or not self._instances.is_driving(child):
                return  # the step is over, or the child; or whoever creates it has yet to look at its parent
            if pointer.stop is not None or pointer.progress.failure is not None:
                await self._instances.signal(child, CancelRequested(reason="its parent was cancelled"))
            elif driver.instance.status is InstanceStatus.SUSPENDED:
                suspend = SuspendRequested(reason=PARENT_SUSPENDED, parent_revision=driver.instance.revision)
                await self._instances.signal(child, suspend)
            elif since is None or not self._goes_on(child, since, driver.instance):
                resume = ResumeRequested(reason=PARENT_SUSPENDED, parent_revision=driver.instance.revision)
                await self._instances.signal(child, resume)

    def _goes_on(self, child: str, since: Instance, now: Instance) -> bool:
        """Whether it was created by what its parent was, and the parent was not suspended meanwhile."""
        value = self._instances.value(child)
        is_new = value is not None and value.ordered_at == since.revision
        return is_new and now.suspended_for == since.suspended_for


def _birth(parent: Instance, graph: Graph, command: StartChild) -> Birth:
    return Birth(
        id=command.child,
        name=f"{parent.name}/{command.path}" + (f"#{command.attempt}" if command.attempt > 1 else ""),
        inputs=_inputs(graph, parent, command),
        variables=parent.variables,
        parent=ParentRef(parent.id, command.path, command.attempt),
        ordered_at=parent.revision,
        root=parent.root or parent.id,
        trace=parent.trace,
        pins=parent.pins,
    )


def _inputs(graph: Graph, parent: Instance, command: StartChild) -> Data:
    """A child sees what it is given; then, for inputs it declares and was not given, the parent's data by name."""
    given = dict(command.inputs)
    if command.path in parent.pointers:
        seen = names_of(parent, command.path).data()
        given.update({name: seen[name] for name in graph.inputs if name not in given and name in seen})
    return resolve_inputs(graph, given, parent.variables)


def _refused(command: StartChild, error: Permanent) -> ChildEnded:
    failure = Failure(reason=Reason.CONFIG_INVALID, message=str(error))
    return ChildEnded(
        path=command.path, attempt=command.attempt, status=InstanceStatus.FAILED, failure=failure
    )


def _ended(command: StartChild, graph: Graph, child: Instance) -> ChildEnded:
    return ChildEnded(
        path=command.path,
        attempt=command.attempt,
        status=child.status,
        outputs=child.outputs if graph.outputs and child.outputs is not None else child.data,
        failure=child.failure,
    )
