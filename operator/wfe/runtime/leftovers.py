"""Leftovers: attempts that were started in this place, of instances that another host works on by now.

A host that was killed leaves its processes running. Whoever took over waits for a while for what became of them;
this tells it, through the inbox, once a host is in this place again. Nothing is started here.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from wfe.errors import NotFound
from wfe.model.commands import KillTask, StartTask
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import Signal
from wfe.ports.clock import Clock
from wfe.ports.store import Store
from wfe.runtime.definitions import Definitions
from wfe.runtime.nursery import Nursery
from wfe.runtime.patience import persistently
from wfe.runtime.tasks import TaskRunner


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Finds such attempts and tells how they end; `started` names those of an instance that were started here."""

    store: Store
    clock: Clock
    nursery: Nursery
    definitions: Definitions
    tasks: TaskRunner
    started: Callable[[str], frozenset[AttemptKey]]

    async def look(self, instances: Iterable[str]) -> None:
        """Attach to what runs here, or has ended here, of instances that others work on."""
        for instance_id in instances:
            started = self.started(instance_id)
            instance = await self.store.load(instance_id) if started else None
            if instance is not None and not instance.status.is_final:
                await self._attach(instance, started)

    async def _attach(self, instance: Instance, started: frozenset[AttemptKey]) -> None:
        place = self.tasks.place(instance)
        graph = await self.definitions.pinned(instance.workflow)
        for pointer in instance.pointers.values():
            key = AttemptKey(instance.id, pointer.path, pointer.attempt)
            if pointer.incarnation != place or key not in started:
                continue
            command = StartTask(path=pointer.path, attempt=pointer.attempt, incarnation=place)
            self.tasks.start(graph, instance, command, partial(self._tell, instance.id))
            if pointer.stop is not None:
                self.tasks.kill(instance, KillTask(path=pointer.path, attempt=pointer.attempt))

    def _tell(self, instance: str, signal: Signal) -> None:
        self.nursery.start(self._post(instance, signal), name="tell of a leftover")

    async def _post(self, instance: str, signal: Signal) -> None:
        with suppress(NotFound):
            await persistently(self.clock, lambda: self.store.post(instance, signal))
