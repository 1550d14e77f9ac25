"""Fakes for tests of what stands on the ports: an executor that obeys, and a clock of a virtual loop."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask, Task
from wfe.testing.builders import NOON


class FakeClock:
    """Noon, and as much later as the loop's time is past its start. Chance is always the same."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._ids = 0

    def now(self) -> datetime:
        time = asyncio.get_running_loop().time()
        if self._started is None:
            self._started = time
        return NOON + timedelta(microseconds=int((time - self._started) * 1_000_000))

    async def sleep_until(self, when: datetime) -> None:
        while (left := when - self.now()) > timedelta():  # noqa: ASYNC110 - time is no event
            await asyncio.sleep(left.total_seconds())

    def jitter(self) -> float:
        return 0.5

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"


@dataclass
class FakeExecutor:
    """Runs nothing: a test says how attempts end, or they complete in a second if `obliging`.

    One of another place is Lost at once, or never if it is `patient`.
    """

    incarnation: str = "here"
    obliging: bool = False
    patient: bool = False
    starts: Counter[str] = field(default_factory=Counter)
    killed: list[str] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0
    _ends: dict[AttemptKey, asyncio.Future[TaskEnded]] = field(default_factory=dict)

    @property
    def admits(self) -> bool:
        return False

    def place(self, instance: Instance | None) -> str:
        """Return the one place there is."""
        del instance
        return self.incarnation

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        """Tell whether it is that place."""
        del task
        return incarnation == self.incarnation

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        """Return the one place there is."""
        del task, instance
        return self.incarnation

    def expect(self, task: ProcessTask, incarnation: str) -> None: ...

    async def run(self, task: Task, incarnation: str = "") -> TaskEnded:
        """Claim the key, or attach to it."""
        if isinstance(task, ProcessTask) and incarnation != self.incarnation:
            if self.patient:
                await asyncio.Event().wait()
            return TaskEnded(path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.LOST)
        end = self._end_of(task.key)
        if not end.done():
            self.starts[task.key.path] += 1
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            if self.obliging:
                await asyncio.sleep(1)
                self._tell(task.key, TaskOutcome.COMPLETE)
            return await asyncio.shield(end)
        finally:
            self.running -= 1

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """End the attempt as cancelled, or claim it so."""
        del grace
        self.killed.append(key.path)
        self._tell(key, TaskOutcome.CANCELLED)

    async def close(self, grace: timedelta) -> None: ...

    def started(self, instance: str) -> frozenset[AttemptKey]:
        """Return the attempts of an instance that were claimed here."""
        return frozenset(key for key in self._ends if key.instance == instance)

    def ends(self, instance: str, path: str, attempt: int = 1, **outputs: Json) -> None:
        """Let an attempt complete."""
        self._tell(AttemptKey(instance, path, attempt), TaskOutcome.COMPLETE, dict(outputs))

    def _end_of(self, key: AttemptKey) -> asyncio.Future[TaskEnded]:
        if key not in self._ends:
            self._ends[key] = asyncio.get_running_loop().create_future()
        return self._ends[key]

    def _tell(self, key: AttemptKey, outcome: TaskOutcome, outputs: dict[str, Json] | None = None) -> None:
        end = self._end_of(key)
        if not end.done():
            ended = TaskEnded(path=key.path, attempt=key.attempt, outcome=outcome, outputs=outputs or {})
            end.set_result(ended)
