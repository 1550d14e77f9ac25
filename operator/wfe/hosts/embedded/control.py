"""What is asked of an instance from outside: suspend, resume, cancel, kill, retry.

An instance that this process drives is told directly, any other one through its inbox in the store.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from wfe.engine import Birth
from wfe.engine.carried import completed
from wfe.errors import NotFound, Permanent
from wfe.hosts.embedded.launch import Launch
from wfe.hosts.embedded.names import named
from wfe.hosts.embedded.view import running_tasks
from wfe.hosts.wiring.engine_room import EngineRoom
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import CancelRequested, ResumeRequested, Signal, SuspendRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import Query
from wfe.runtime.runtime import HeldElsewhere
from wfe.runtime.worker import UNFINISHED

MOST_CHILDREN: Final = 10_000


class NotEnded(Permanent):
    """Only an instance that has ended otherwise than Complete can be retried."""


class Ended(Permanent):
    """The instance has ended; there is nothing left to do this with."""


class Control:
    """The part of a host that acts on instances."""

    _room: EngineRoom
    _launch: Launch

    async def get(self, instance: str) -> Instance:
        """Return the last saved value of an instance, by id or name.

        Raises:
            NotFound: there is none.
        """
        instance_id = await self._id(instance)
        found = self._room.runtime.value(instance_id) or await self._room.store.load(instance_id)
        if found is None:
            raise NotFound(f"there is no instance `{instance}`")
        return found

    async def family(self, instance: str) -> Sequence[Instance]:
        """Return an instance and all unfinished ones that its steps started."""
        members = [await self.get(instance)]
        for member in members:
            query = Query(parent=member.id, statuses=UNFINISHED, limit=MOST_CHILDREN)
            members.extend([await self.get(child.id) for child in await self._room.store.list(query)])
        return members

    async def suspend(self, instance: str, reason: str = "suspended on request") -> None:
        """Start nothing new in an instance; what runs finishes.

        Raises:
            Ended: it has ended.
        """
        await self._tell(await self._unfinished(instance), SuspendRequested(reason=reason))

    async def cancel(self, instance: str, reason: str = "cancelled on request") -> None:
        """Stop an instance: its steps are killed, its `ensure` hooks run, it ends Terminated.

        Raises:
            Ended: it has ended.
        """
        await self._tell(await self._unfinished(instance), CancelRequested(reason=reason))

    async def recover(self, instance: str) -> str:
        """Go on with an instance that nobody works on, as it is, and return the id.

        Raises:
            NotFound: there is none.
            HeldElsewhere: another live process works on it.
        """
        value = await self.get(instance)
        await self._launch.recover(value.root or value.id)
        return value.id

    async def resume(self, instance: str) -> str:
        """Go on with an instance that has not ended: resume it if it is suspended, drive it if nobody does.

        Raises:
            NotFound: there is none.
            HeldElsewhere: another live process works on it, and it is not suspended.
        """
        value = await self.get(instance)
        family = await self.family(value.root or value.id)
        asleep = [member for member in family if member.status is InstanceStatus.SUSPENDED]
        try:
            await self.recover(instance)
        except HeldElsewhere:
            if not asleep:
                raise
        for member in asleep or [value]:
            if not member.status.is_final:
                await self._tell(member, ResumeRequested())
        return value.id

    async def kill(self, instance: str) -> None:
        """Kill the processes of an instance and its children, hooks too, without grace, and its services."""
        for member in await self.family(instance):
            for pointer in running_tasks(member):
                key = AttemptKey(member.id, pointer.path, pointer.attempt)
                await self._room.executors.processes.kill(key, timedelta())
        await self._launch.remove((await self.get(instance)).id)

    async def retry(self, instance: str, *, name: str | None = None) -> str:
        """Start a new instance that carries what completed in one that ended otherwise, and return its id.

        Raises:
            NotEnded: it has not ended, or has completed.
        """
        source = await self.get(instance)
        if not source.status.is_final or source.status is InstanceStatus.COMPLETE:
            raise NotEnded(
                f"instance `{source.name}` is {source.status}; only one that failed or was terminated is retried"
            )
        runtime = self._room.runtime
        graph = await runtime.definitions.pinned(source.workflow)
        new = runtime.clock.new_id()
        history = await self._room.store.history(source.id)
        birth = Birth(
            id=new,
            name=name or "",
            inputs=source.inputs,
            variables=source.variables,
            reference=source.reference,
            retry_of=source.id,
            trace=new,
            pins=source.pins,
            carried=completed(graph, history),
        )
        return await named(graph, birth, lambda birth: self._launch.start(graph, birth))

    async def _unfinished(self, instance: str) -> Instance:
        value = await self.get(instance)
        if value.status.is_final:
            raise Ended(f"instance `{value.name}` has ended already: {value.status}")
        return value

    async def _tell(self, instance: Instance, signal: Signal) -> None:
        await self._room.runtime.signal(instance.id, signal)

    async def _id(self, id_or_name: str) -> str:
        found = await self._room.store.resolve(id_or_name)
        if found is None:
            raise NotFound(f"there is no instance `{id_or_name}`; `wfe list` shows those there are")
        return found
