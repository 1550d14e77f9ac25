"""Running tasks: plans an attempt, finds its executor, holds the limit of the host, tells how it ended."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from wfe.errors import Permanent
from wfe.graph.graph import Graph
from wfe.model.commands import KillTask, StartTask
from wfe.model.failure import Failure, Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask, Task
from wfe.ports.executor import Executor
from wfe.runtime.nursery import Nursery
from wfe.runtime.plan import plan
from wfe.runtime.turns import Turns

LEAST: Final = 8
PER_CORE: Final = 4
Tell = Callable[[TaskEnded], None]
Planner = Callable[[Graph, Instance, StartTask], Task]


def default_limit() -> int:
    """Return how many tasks a host runs at once unless told otherwise."""
    return max(LEAST, PER_CORE * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Executors:
    """Where a host runs processes, and where it runs its own callables."""

    processes: Executor
    callables: Executor

    def of(self, task: Task) -> Executor:
        return self.processes if isinstance(task, ProcessTask) else self.callables

    async def close(self, grace: timedelta) -> None:
        """Let go of processes, wait at most so long for callables."""
        await asyncio.gather(self.processes.close(grace), self.callables.close(grace))


@dataclass(frozen=True, slots=True)
class _Running:
    task: Task
    tell: Tell
    work: asyncio.Task[None]


@dataclass(slots=True)
class TaskRunner:
    """Starts tasks in its nursery, at most `limit` at a time, first come, first served."""

    executors: Executors
    nursery: Nursery
    limit: int = field(default_factory=default_limit)
    plan: Planner = plan
    _running: dict[AttemptKey, _Running] = field(default_factory=dict)
    _turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self._turns = Turns(self.limit)

    @property
    def incarnation(self) -> str:
        """Where the claims of new attempts live."""
        return self.executors.processes.incarnation

    def start(self, graph: Graph, instance: Instance, command: StartTask, tell: Tell) -> None:
        """Start an attempt, or attach to it; the same attempt again changes nothing."""
        key = AttemptKey(instance.id, command.path, command.attempt)
        if key in self._running:
            return
        try:
            task = self.plan(graph, instance, command)
        except Permanent as error:
            tell(_failed(key, error))
            return
        work = self.nursery.start(self._run(key, command.incarnation), name="task")
        self._running[key] = _Running(task, tell, work)

    async def _run(self, key: AttemptKey, incarnation: str) -> None:
        running = self._running[key]
        has_turn = False
        try:
            has_turn = await self._turns.take(key)
            ended = await self._ended(running.task, incarnation)
        finally:
            del self._running[key]
            if has_turn:
                self._turns.give_back()
        running.tell(ended)

    async def _ended(self, task: Task, incarnation: str) -> TaskEnded:
        if isinstance(task, ProcessTask) and incarnation != self.incarnation:
            # Its claim is out of reach: whether it started, and how it ended, nobody can know.
            return TaskEnded(path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.LOST)
        try:
            return await self.executors.of(task).run(task)
        except Permanent as error:
            return _failed(task.key, error)

    def kill(self, instance: Instance, command: KillTask) -> None:
        """End an attempt, whether it runs or waits for its turn; how it ended is told as for any other."""
        key = AttemptKey(instance.id, command.path, command.attempt)
        running = self._running.get(key)
        if running is not None:
            self.nursery.start(self._kill(running.task), name="kill")

    async def _kill(self, task: Task) -> None:
        # What never started is claimed as cancelled first; only then it may go on, and find that claim.
        await self.executors.of(task).kill(task.key, task.grace)
        self._turns.hurry(task.key)

    def detach(self, instance: str) -> None:
        """Let go of an instance's tasks; they run on, and whoever drives the instance finds them."""
        for key, running in self._running.items():
            if key.instance == instance:
                running.work.cancel()


def _failed(key: AttemptKey, error: Permanent) -> TaskEnded:
    failure = Failure(reason=Reason.CONFIG_INVALID, message=str(error))
    return TaskEnded(path=key.path, attempt=key.attempt, outcome=TaskOutcome.FAILED, failure=failure)
