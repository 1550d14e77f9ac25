"""What the steps of a namespace stand on: the executors of their pods, and the archive of what they wrote."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from wfe.errors import Permanent
from wfe.executors.pod import PodExecutor
from wfe.executors.runner import RunnerExecutor
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.homes import NotKnownYet, Place, TreeHomes
from wfe.hosts.kubernetes.placing import Pods
from wfe.hosts.kubernetes.pool import Pool
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle, StepChanged
from wfe.ports.executor import Executor

SAVED_EVERY: Final = 5.0
_NOW: Final = timedelta()
Later = Callable[[Coroutine[object, object, None]], object]


class Grounds(Protocol):
    """What the rooms of a term stand on together."""

    @property
    def executor(self) -> Executor:
        """Where processes run."""
        ...

    async def clear(self, place: Place, instance: Instance, name: str, uid: str) -> None:
        """Keep the log of an instance that has ended, and give back what its steps had."""
        ...

    async def forget(self, place: Place, instance: str) -> None:
        """Give back what an instance had that is gone."""
        ...

    def saved(self, instance: Instance, change: Lifecycle, later: Later) -> None:
        """Hear of a save."""
        ...

    async def tend(self) -> None:
        """Keep idle pods at hand, until cancelled."""
        ...

    async def release_orphans(self, known: Collection[str]) -> None:
        """Let go of what belongs to roots that are not known any more."""
        ...

    async def close(self) -> None:
        """Detach from what runs."""
        ...


@dataclass(slots=True)
class Footing:
    """The executors of one term of leading, shared by all namespaces."""

    runner: RunnerExecutor
    isolated: PodExecutor
    homes: TreeHomes
    archive: Archives
    pods: Pods
    pool: Pool
    _told: dict[str, float] = field(default_factory=dict)

    @property
    def executor(self) -> Executor:
        return self.pods

    async def clear(self, place: Place, instance: Instance, name: str, uid: str) -> None:
        """Keep the log of an instance that has ended, and give back what its steps had.

        Args:
            place: where it is.
            instance: as it was saved last.
            name, uid: of its object.
        """
        with suppress(Permanent):
            # What has no home has no pods either.
            await self.homes.learn(place, instance)
            if self.homes.has_own(instance):
                await self.runner.release(instance.id)
        if instance.id in self.pods.ran_isolated or self._has_pods(instance.id):
            await self.isolated.release(instance.id, place.namespace)
        await self.archive.keep(place.namespace, instance, name, uid)
        self._forget(instance.id)

    async def forget(self, place: Place, instance: str) -> None:
        """Give back what an instance had that is gone; what it owned goes by itself."""
        with suppress(NotKnownYet):
            await self.runner.release(instance)
        await self.isolated.release(instance, place.namespace)
        self.archive.forget(place.namespace, instance)
        self._forget(instance)

    def _has_pods(self, instance: str) -> bool:
        return any(instance == owner for _, _, owner in self.isolated.instances())

    def _forget(self, instance: str) -> None:
        self._told.pop(instance, None)
        self.pods.ran_isolated.discard(instance)

    def saved(
        self,
        instance: Instance,
        change: Lifecycle,
        later: Callable[[Coroutine[object, object, None]], object],
    ) -> None:
        """Hear of a save: the executors need not keep what an instance knows by now.

        Args:
            instance: as it was saved.
            change: one thing that changed.
            later: takes a coroutine that may run for itself.
        """
        now = asyncio.get_running_loop().time()
        if now - self._told.get(instance.id, 0.0) > SAVED_EVERY:
            self._told[instance.id] = now
            self.runner.saved(instance)
        if (
            isinstance(change, StepChanged)
            and change.status.is_final
            and instance.id in self.pods.ran_isolated
        ):
            later(self.isolated.settle(instance))

    async def tend(self) -> None:
        """Keep idle pods at hand, until cancelled."""
        await self.pool.run()

    async def release_orphans(self, known: Collection[str]) -> None:
        """Pods of attempts keep finalizers: let go of those whose roots are not known any more."""
        for namespace, root, instance in self.isolated.instances():
            if root not in known:
                await self.isolated.release(instance, namespace)

    async def close(self) -> None:
        """Detach from what runs."""
        await asyncio.gather(self.runner.close(_NOW), self.isolated.close(_NOW))


@dataclass(frozen=True, slots=True)
class RoomGround:
    """The footing of one namespace; keeps the promise of `rooms.Ground`."""

    footing: Grounds
    place: Place

    async def clear(self, instance: Instance, name: str, uid: str) -> None:
        """Keep the log of an instance that has ended, and give back what its steps had."""
        await self.footing.clear(self.place, instance, name, uid)

    async def forget(self, instance: str) -> None:
        """Give back what an instance had that is gone."""
        await self.footing.forget(self.place, instance)
