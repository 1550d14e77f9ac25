"""An executor: where tasks run."""

from datetime import timedelta
from typing import Protocol

from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskEnded
from wfe.model.task import Task


class Executor(Protocol):
    """Runs tasks, each key at most once in the life of an incarnation.

    Promise of `run`: the start happens at most once a key, whoever calls it and however often; a later call
    attaches to the first. Cancelling the call detaches and does not end the task.
    """

    @property
    def incarnation(self) -> str:
        """Name where claims live; another value means that none of the old claims can be seen."""
        ...

    async def run(self, task: Task) -> TaskEnded:
        """Start the task or find it, wait for its end, and tell how it ended. Output goes to the log sink."""
        ...

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """SIGTERM to the task's group, SIGKILL after the grace. A key that never started is claimed as cancelled.

        The answer is what `run` of that key returns.
        """
        ...

    async def close(self, grace: timedelta) -> None:
        """Detach from processes, wait at most `grace` for tasks that live in this process."""
        ...
