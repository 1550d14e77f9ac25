"""Sees to it that what steps wrote is kept with their instance before what holds it goes.

What a step writes lies in its pod; the archive has a copy in memory, which ends with this process, until that is
written to objects. Only then the pod is told to remove its own, or is given back. So whenever this process dies, each
line is in an object, or in a pod where the next process finds it. Writing costs a request, so it is done when the pod
should be relieved of much, when an instance begins to wait, and when it has ended; never for a step alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from wfe.errors import Permanent
from wfe.executors.pod import PodExecutor
from wfe.executors.runner import Past, RunnerExecutor
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.pods.home import Home


@dataclass(slots=True)
class Keeper:
    """Keeps the logs of one term."""

    runner: RunnerExecutor
    isolated: PodExecutor
    homes: TreeHomes
    archive: Archives
    # Instances all of whose attempts were followed here, or were read again.
    _witnessed: set[str] = field(default_factory=set)
    _keeping: set[str] = field(default_factory=set)

    def born(self, instance: str) -> None:
        """An instance has begun here: nobody else has had steps of it run."""
        self._witnessed.add(instance)

    def forget(self, instance: str) -> None:
        """An instance has ended, or is gone."""
        self.runner.leftovers.relieved(instance)
        self._witnessed.discard(instance)

    def is_due(self, instance: str) -> bool:
        """Whether it is time to relieve the pod of an instance."""
        return instance not in self._keeping and self.runner.leftovers.is_due(instance)

    async def relieve(self, home: Home, instance: Instance) -> None:
        """Keep what came so far of an instance that goes on, and let its pods remove what is kept.

        Args:
            instance: as it was saved.
        """
        if instance.id in self._keeping:
            return
        self._keeping.add(instance.id)
        try:
            await self._keep(home, instance)
        finally:
            self._keeping.discard(instance.id)

    async def _keep(self, home: Home, instance: Instance) -> None:
        over, settled = self.runner.leftovers.over(instance), self.isolated.settled(instance)
        await self.archive.keep(home, instance)
        self.archive.done(home.namespace, [one.key for one in over])
        self.runner.leftovers.kept(over)
        self.runner.leftovers.relieved(instance.id)
        await self.isolated.remove(settled)

    async def keep_tree(self, place: Place, instance: Instance) -> None:
        """Keep all that an instance wrote that has ended, and all else that is in its pods, if they are its own.

        Raises:
            Retryable: not now; its pods have to stay.
        """
        was_witnessed = instance.id in self._witnessed
        await self._keep_all(place, instance)
        if not self.homes.has_own(instance):
            return
        for resident in await self.runner.residents(instance.id, ask=not was_witnessed):
            child = await place.store.load(resident)
            if child is not None:
                await self._keep_all(place, child)

    async def _keep_all(self, place: Place, instance: Instance) -> None:
        try:
            await self.homes.learn(place, instance)
        except Permanent:
            return  # what has no home has no pods
        home = await self.homes.home(instance.id)
        await self.runner.drain(instance.id)
        if instance.id not in self._witnessed or self.runner.leftovers.has_unread(instance.id):
            await self.runner.read_rest(instance.id, partial(past, place, instance))
            self._witnessed.add(instance.id)
        await self.isolated.read_rest(instance.id)
        await self._keep(home, instance)


async def past(place: Place, instance: Instance) -> Sequence[Past]:
    """Return the attempts of an instance that have ended."""
    found = []
    for record in await place.store.history(instance.id):
        ends = {one.attempt: one.ended_at for one in record.attempt_records}
        found += [
            Past(AttemptKey(instance.id, record.path, number), ends.get(number, record.ended_at))
            for number in range(1, record.attempts + 1)
        ]
    for path, pointer in instance.pointers.items():
        # A visit that goes on: what is known of its attempts, of which the last one may run.
        began = pointer.started_at or instance.created_at
        ends = {one.attempt: one.ended_at for one in pointer.attempts}
        found += [
            Past(AttemptKey(instance.id, path, number), ends.get(number, began))
            for number in range(1, pointer.attempt + 1)
        ]
    return found
