"""What the steps of a namespace stand on: the executors of their pods, and the archive of what they wrote."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from wfe.errors import Permanent
from wfe.executors.pod import PodExecutor
from wfe.executors.runner import RunnerExecutor
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.homes import NotKnownYet, Place, TreeHomes
from wfe.hosts.kubernetes.keeping import Keeper
from wfe.hosts.kubernetes.placing import Pods
from wfe.hosts.kubernetes.pool import Pool
from wfe.hosts.kubernetes.resting import Rests
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle, StepChanged
from wfe.ports.executor import Executor

_NOW: Final = timedelta()
Later = Callable[[Coroutine[object, object, None]], object]


@dataclass(frozen=True, slots=True)
class Wait:
    """When an instance that only waits is due by itself, and what tells whether it still waits."""

    due: datetime | None
    is_parked: Callable[[str], bool]


class Grounds(Protocol):
    """What the rooms of a term stand on together."""

    @property
    def executor(self) -> Executor:
        """Where processes run."""
        ...

    async def clear(self, place: Place, instance: Instance) -> None:
        """Keep the log of an instance that has ended, and give back what its steps had."""
        ...

    def waits(self, place: Place, instance: Instance, wait: Wait, later: Later) -> None:
        """Hear that an instance only waits from now on: hold nothing of it."""
        ...

    def goes_on(self, instance: str) -> None:
        """Hear that an instance is driven again."""
        ...

    async def forget(self, place: Place, instance: str) -> None:
        """Give back what an instance had that is gone."""
        ...

    def saved(self, instance: Instance, change: Lifecycle, later: Later) -> None:
        """Hear of a save."""
        ...

    async def tend(self) -> None:
        """Keep idle pods at hand, and give back those of instances that only wait; until cancelled."""
        ...

    async def release_orphans(self, known: Collection[str]) -> None:
        """Let go of what belongs to roots that are not known any more."""
        ...

    async def close(self) -> None:
        """Detach from what runs."""
        ...


@dataclass(slots=True)
class Footing:
    """The executors of one term, shared by all namespaces."""

    runner: RunnerExecutor
    isolated: PodExecutor
    homes: TreeHomes
    archive: Archives
    keeper: Keeper
    pods: Pods
    pool: Pool
    rests: Rests

    @property
    def executor(self) -> Executor:
        return self.pods

    async def clear(self, place: Place, instance: Instance) -> None:
        """Keep the log of an instance that has ended, and give back what its steps had.

        Args:
            place: where it is.
            instance: as it was saved last.
        """
        await self.keeper.keep_tree(place, instance)
        with suppress(Permanent):
            # What has no home has no pods either.
            await self.homes.learn(place, instance)
            if self.homes.has_own(instance):
                await self.runner.release(instance.id)
        if instance.id in self.pods.ran_isolated or self._has_pods(instance.id):
            await self.isolated.release(instance.id, place.namespace)
        self._forget(place.namespace, instance.id)

    async def forget(self, place: Place, instance: str) -> None:
        """Give back what an instance had that is gone; what it owned goes by itself."""
        with suppress(NotKnownYet):
            await self.runner.release(instance)
        await self.isolated.release(instance, place.namespace)
        self._forget(place.namespace, instance)

    def _has_pods(self, instance: str) -> bool:
        return any(instance == owner for _, _, owner in self.isolated.instances())

    def _forget(self, namespace: str, instance: str) -> None:
        self.rests.ends(instance)
        self.archive.forget(namespace, instance)
        self.keeper.forget(instance)
        self.pods.ran_isolated.discard(instance)

    def waits(self, place: Place, instance: Instance, wait: Wait, later: Later) -> None:
        """Hear that an instance only waits from now on: hold nothing of it."""
        home = self.homes.known(instance.id)
        self.homes.forget([instance.id])
        if home is not None:
            self.rests.begins(place, home, instance, due=wait.due, is_parked=wait.is_parked)
            later(self.keeper.relieve(home, instance))

    def goes_on(self, instance: str) -> None:
        """Hear that an instance is driven again."""
        self.rests.ends(instance)

    def saved(self, instance: Instance, change: Lifecycle, later: Later) -> None:
        """Hear of a save: pods need not keep what an instance knows by now, once that is kept.

        Args:
            instance: as it was saved.
            change: one thing that changed.
            later: takes a coroutine that may run for itself.
        """
        if instance.revision == 1:
            self.keeper.born(instance.id)
        ran_isolated = instance.id in self.pods.ran_isolated
        has_ended = isinstance(change, StepChanged) and change.status.is_final
        if (ran_isolated and has_ended) or self.keeper.is_due(instance.id):
            home = self.homes.known(instance.id)
            if home is not None:
                later(self.keeper.relieve(home, instance))

    async def tend(self) -> None:
        """Keep idle pods at hand, and give back those of instances that only wait; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pool.run(), name="keep the pool")
            group.create_task(self.rests.run(), name="give back what rests")

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
    copies: Searched | None = None

    async def clear(self, instance: Instance) -> None:
        """Keep the log of an instance that has ended, and give back what its steps had."""
        await self.footing.clear(self.place, instance)
        if self.copies is not None:
            self.copies.whole(self.place, instance)

    async def forget(self, instance: str) -> None:
        """Give back what an instance had that is gone."""
        await self.footing.forget(self.place, instance)
        if self.copies is not None:
            self.copies.gone(instance)
