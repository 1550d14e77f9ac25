"""Where tasks run: in the runner pod of their tree, or in a pod of their own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from wfe.errors import Retryable
from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.model.commands import StartTask
from wfe.model.failure import Failure, Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask, PythonTask, Task
from wfe.pods.home import Home
from wfe.pods.runner import placed
from wfe.pods.settings import PodSettings
from wfe.ports.executor import Executor
from wfe.runtime.plan import plan

# A start is told in hundredths of a second, rounded down.
TICK: Final = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class HomePlanner:
    """Plans attempts, and marks those that the runner of their tree has no place for."""

    homes: TreeHomes
    settings: PodSettings

    def __call__(self, graph: Graph, instance: Instance, command: StartTask) -> Task:
        """Return what an attempt runs.

        Raises:
            Permanent: nothing runs such a step here; the text says why.
        """
        task = plan(graph, instance, command)
        if not isinstance(task, ProcessTask):
            return task
        # The name of a child is its root's, and behind it the path of the step that started it.
        _, _, above = instance.name.partition("/")
        if above and instance.parent is not None:
            task = replace(task, shown=f"{above}/{task.key.path}")
        return placed(task, self.homes.of(instance, graph).needs, self.settings)


class StillLeaving(Retryable):
    """There will be a new pod once the earlier one is gone."""


class Claims(Protocol):
    """Idle pods that a tree can take over."""

    async def claim(self, home: Home) -> bool:
        """Make an idle pod the pod of a tree. False: there is none that would do."""
        ...


@dataclass(slots=True)
class Pods:
    """Sends tasks to one of two executors by what their plan says; keeps the promise of `ports.executor`.

    Attributes:
        now: the time, as it stands in the ends of attempts.
        started: told how many seconds after its dispatch each attempt started.
        pool: where a pod for an instance that has none may come from.
        homes: the homes of instances.
        leaving: the roots of trees whose pods are just going.
        ran_isolated: the instances that have had pods of attempts.
    """

    runner: Executor
    isolated: Executor
    now: Callable[[], datetime]
    started: Callable[[float], None] = lambda _: None
    pool: Claims | None = None
    homes: TreeHomes | None = None
    leaving: set[str] = field(default_factory=set)
    ran_isolated: set[str] = field(default_factory=set)
    _running: dict[AttemptKey, Executor] = field(default_factory=dict)

    @property
    def admits(self) -> bool:
        return True

    def place(self, instance: Instance | None) -> str:
        """Return the runner pod of an instance, as far as it is known."""
        if instance is not None and not self.leaving.isdisjoint({instance.id, instance.root}):
            return ""
        return self.runner.place(instance)

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        return self._of(task).takes(task, incarnation)

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        """Make the pod, or find it.

        Raises:
            StillLeaving: the pod that it had is just going, since it only waited.
        """
        if not task.isolated and not self.leaving.isdisjoint({instance.id, instance.root}):
            raise StillLeaving(f"the earlier pod of instance `{instance.name}` is just being given back")
        is_first = not task.isolated and instance.incarnation is None and not self.runner.place(instance)
        if is_first and self.pool is not None and self.homes is not None:
            await self.pool.claim(await self.homes.home(instance.id))
        return await self._of(task).admit(task, instance)

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        self._of(task).expect(task, incarnation)

    async def run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        """Run the task in its pod."""
        asked = self.now()
        ended = await self._run(task, incarnation)
        if ended.started_at is not None and ended.started_at > asked - TICK:
            # Else it had started before, and was found again.
            self.started(max(0.0, (ended.started_at - asked).total_seconds()))
        return ended

    async def _run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        executor = self._running[task.key] = self._of(task)
        if task.isolated:
            self.ran_isolated.add(task.key.instance)
        try:
            return await executor.run(task, incarnation)
        finally:
            del self._running[task.key]

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """End a task, wherever it runs."""
        known = self._running.get(key)
        # One that waits for its turn is nowhere yet: wherever it is to run, it must not.
        for executor in (known,) if known is not None else (self.runner, self.isolated):
            await executor.kill(key, grace)

    async def close(self, grace: timedelta) -> None:
        """Detach from what runs."""
        await asyncio.gather(self.runner.close(grace), self.isolated.close(grace))

    def _of(self, task: ProcessTask) -> Executor:
        return self.isolated if task.isolated else self.runner


@dataclass(frozen=True, slots=True)
class NoCallables:
    """Steps in Python run in the program that brings them, and the operator brings none."""

    now: Callable[[], datetime]

    async def run(self, task: PythonTask) -> TaskEnded:
        """Say so."""
        failure = Failure(
            reason=Reason.NO_EXECUTOR,
            message=(
                f"`{task.callable_id}` is a step in Python, which runs in the program that has it and not in a "
                "cluster; make it an `activity`, or a script"
            ),
        )
        return TaskEnded(
            path=task.key.path,
            attempt=task.key.attempt,
            outcome=TaskOutcome.FAILED,
            failure=failure,
            ended_at=self.now(),
        )

    async def kill(self, key: AttemptKey, grace: timedelta) -> None: ...

    async def close(self, grace: timedelta) -> None: ...
