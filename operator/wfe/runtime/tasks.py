"""Running tasks: plans an attempt, finds its executor, holds the limit of the host, tells how it ended."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from wfe.engine import failure_seen_by, names_of
from wfe.errors import Permanent
from wfe.graph.graph import Graph
from wfe.graph.node import TaskSpec
from wfe.model.commands import KillTask, StartTask
from wfe.model.failure import Failure, Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import DEFAULT_GRACE, ProcessTask, Task
from wfe.ports.executor import Executor
from wfe.runtime.nursery import Nursery
from wfe.steps import BUILTIN, StepContext

LEAST: Final = 8
PER_CORE: Final = 4
Tell = Callable[[TaskEnded], None]


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


def plan(graph: Graph, instance: Instance, command: StartTask) -> Task:
    """Return what an attempt runs.

    Raises:
        Permanent: nothing runs such a step, or its configuration is wrong now that its values are known.
    """
    node = graph.nodes[instance.pointers[command.path].node]
    kind = BUILTIN.get(node.type)
    if kind is None or not isinstance(node.spec, TaskSpec):
        raise Permanent(f"nothing here runs steps of type `{node.type}`; change the type of step `{node.name}`")
    names = names_of(instance, command.path)
    context = StepContext(
        key=AttemptKey(instance.id, command.path, command.attempt),
        data=names.data(),
        locals=names.locals(),
        names=names,
        extra_env=_failure_env(instance, command.path),
    )
    return kind.plan_raw(node.spec.config, context)


def _failure_env(instance: Instance, path: str) -> Mapping[str, str]:
    failure = failure_seen_by(instance, path)
    if failure is None:
        return {}
    code = "" if failure.exit_code is None else str(failure.exit_code)
    return {"WFE_ERROR": str(failure), "WFE_EXIT_CODE": code}


@dataclass(slots=True)
class _Running:
    task: Task
    tell: Tell
    work: asyncio.Task[None]
    started: bool = False


@dataclass(slots=True)
class TaskRunner:
    """Starts tasks in its nursery, at most `limit` at a time, first come, first served."""

    executors: Executors
    nursery: Nursery
    limit: int = field(default_factory=default_limit)
    _running: dict[AttemptKey, _Running] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limit)

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
            task = plan(graph, instance, command)
        except Permanent as error:
            tell(_refused(command, error))
            return
        if isinstance(task, ProcessTask) and command.incarnation != self.incarnation:
            # Its claim is out of reach: whether it started, and how it ended, nobody can know.
            tell(TaskEnded(path=command.path, attempt=command.attempt, outcome=TaskOutcome.LOST))
            return
        work = self.nursery.start(self._run(key), name=f"task {key.token}")
        self._running[key] = _Running(task, tell, work)

    async def _run(self, key: AttemptKey) -> None:
        running = self._running[key]
        try:
            async with self._slots:
                running.started = True
                ended = await self.executors.of(running.task).run(running.task)
        finally:
            del self._running[key]
        running.tell(ended)

    def kill(self, instance: Instance, command: KillTask) -> None:
        """End an attempt, whether it runs, waits for its turn, or never got here."""
        key = AttemptKey(instance.id, command.path, command.attempt)
        self.nursery.start(self._kill(key), name=f"kill {key.token}")

    async def _kill(self, key: AttemptKey) -> None:
        running = self._running.get(key)
        if running is None:
            return
        grace = getattr(running.task, "grace", DEFAULT_GRACE)
        await self.executors.of(running.task).kill(key, grace)
        if not running.started and not running.work.done():
            running.work.cancel()
            running.tell(TaskEnded(path=key.path, attempt=key.attempt, outcome=TaskOutcome.CANCELLED))


def _refused(command: StartTask, error: Permanent) -> TaskEnded:
    failure = Failure(reason=Reason.CONFIG_INVALID, message=str(error))
    return TaskEnded(path=command.path, attempt=command.attempt, outcome=TaskOutcome.FAILED, failure=failure)
