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
from wfe.model.decision import Decision
from wfe.model.failure import Failure, Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import FailRequested, Signal, TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask, Task
from wfe.ports.executor import CallExecutor, CannotGoOn, Executor
from wfe.runtime.nursery import Nursery
from wfe.runtime.plan import plan
from wfe.runtime.turns import Turns

LEAST: Final = 8
PER_CORE: Final = 4
Tell = Callable[[Signal], None]
Planner = Callable[[Graph, Instance, StartTask], Task]


def default_limit() -> int:
    """Return how many tasks a host runs at once unless told otherwise."""
    return max(LEAST, PER_CORE * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Executors:
    """Where a host runs processes, and where it runs its own callables."""

    processes: Executor
    callables: CallExecutor

    async def run(self, task: Task, incarnation: str) -> TaskEnded:
        """Run a task where it belongs."""
        if isinstance(task, ProcessTask):
            return await self.processes.run(task, incarnation)
        return await self.callables.run(task)

    async def kill(self, task: Task) -> None:
        """End it within its own grace."""
        executor = self.processes if isinstance(task, ProcessTask) else self.callables
        await executor.kill(task.key, task.grace)

    async def close(self, grace: timedelta) -> None:
        """Let go of processes, wait at most so long for callables."""
        await asyncio.gather(self.processes.close(grace), self.callables.close(grace))


@dataclass(slots=True)
class Admitted:
    """Places that were found: one that the instance's processes share, and those of attempts on their own."""

    shared: str = ""
    elsewhere: dict[tuple[str, int], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.shared or self.elsewhere)


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
    _refused: dict[AttemptKey, Permanent] = field(default_factory=dict)
    _planned: dict[AttemptKey, tuple[Instance, Task]] = field(default_factory=dict)
    _turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self._turns = Turns(self.limit)

    def place(self, instance: Instance | None) -> str:
        """Return where new attempts of an instance will run, as far as that is known."""
        return self.executors.processes.place(instance)

    async def admit(self, graph: Graph, decision: Decision) -> Admitted:
        """Find places for the new attempts of a decision that may not be saved as it stands.

        Raises:
            CannotGoOn: the instance has lost what it needs.
            Retryable: there is no place just now.
        """
        admitted = Admitted()
        if self.executors.processes.admits:
            for command in decision.commands:
                if isinstance(command, StartTask):
                    await self._admit(graph, decision.instance, command, admitted)
        return admitted

    async def _admit(
        self, graph: Graph, instance: Instance, command: StartTask, admitted: "Admitted"
    ) -> None:
        executor = self.executors.processes
        key = AttemptKey(instance.id, command.path, command.attempt)
        self._refused.pop(key, None)
        try:
            task = self.plan(graph, instance, command)
            if not isinstance(task, ProcessTask):
                return
            if executor.takes(task, command.incarnation):
                # It starts as soon as this decision is saved, unless that is made anew.
                self._planned[key] = (instance, task)
                executor.expect(task, command.incarnation)
                return
            place = await executor.admit(task, instance)
        except CannotGoOn:
            raise
        except Permanent as error:
            # It is saved without a place, and fails as soon as it is to start.
            self._refused[key] = error
            return
        if task.isolated:
            admitted.elsewhere[command.path, command.attempt] = place
        else:
            admitted.shared = place

    def start(self, graph: Graph, instance: Instance, command: StartTask, tell: Tell) -> None:
        """Start an attempt, or attach to it; the same attempt again changes nothing."""
        key = AttemptKey(instance.id, command.path, command.attempt)
        if key in self._running:
            return
        try:
            if (refusal := self._refused.pop(key, None)) is not None:
                raise refusal
            task = self._plan(graph, instance, command)
        except Permanent as error:
            tell(_failed(key, error))
            return
        work = self.nursery.start(self._run(key, command.incarnation), name="task")
        self._running[key] = _Running(task, tell, work)

    def _plan(self, graph: Graph, instance: Instance, command: StartTask) -> Task:
        key = AttemptKey(instance.id, command.path, command.attempt)
        decided, task = self._planned.pop(key, (None, None))
        return task if task is not None and decided is instance else self.plan(graph, instance, command)

    async def _run(self, key: AttemptKey, incarnation: str) -> None:
        running = self._running[key]
        has_turn = False
        try:
            has_turn = await self._turns.take(key)
            ended = await self._ended(running, incarnation)
        finally:
            del self._running[key]
            if has_turn:
                self._turns.give_back()
        running.tell(ended)

    async def _ended(self, running: _Running, incarnation: str) -> TaskEnded:
        task = running.task
        try:
            return await self.executors.run(task, incarnation)
        except CannotGoOn as error:
            running.tell(FailRequested(failure=error.failure))
            return TaskEnded(path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.LOST)
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
        await self.executors.kill(task)
        self._turns.hurry(task.key)

    def detach(self, instance: str) -> None:
        """Let go of an instance's tasks; they run on, and whoever drives the instance finds them."""
        for key, running in self._running.items():
            if key.instance == instance:
                running.work.cancel()
        # Decisions that were never saved have left these.
        for key in [key for key in self._planned if key.instance == instance]:
            del self._planned[key]


def _failed(key: AttemptKey, error: Permanent) -> TaskEnded:
    failure = Failure(reason=Reason.CONFIG_INVALID, message=str(error))
    return TaskEnded(path=key.path, attempt=key.attempt, outcome=TaskOutcome.FAILED, failure=failure)
