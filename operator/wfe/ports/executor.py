"""An executor: where tasks run."""

from datetime import timedelta
from typing import Protocol

from wfe.errors import Permanent
from wfe.model.failure import Failure
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask, PythonTask


class CannotGoOn(Permanent):
    """The instance cannot go on, whatever its steps do: its workspace is gone, its services do not get ready."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Executor(Protocol):
    """Runs processes, each key at most once in the life of an incarnation.

    An incarnation names where claims live; once it is gone, none of its claims can be seen. A saved attempt names
    the incarnation that it was admitted to, and runs there or nowhere.

    Promise of `run`: the start happens at most once a key, whoever calls it and however often; a later call
    attaches to the first. Cancelling the call detaches and does not end the task.
    """

    @property
    def admits(self) -> bool:
        """Whether attempts have to be admitted; else `place` is good for all of them."""
        ...

    def place(self, instance: Instance | None) -> str:
        """Return the incarnation for new attempts of an instance, as far as it is known; "" if there is none.

        None is an instance that is about to begin.
        """
        ...

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        """Whether a new attempt may be saved with that incarnation; else it has to be admitted."""
        ...

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        """Make a place for a new attempt, or find it, and return its incarnation. Nothing is started.

        Called before the attempt is saved; again after a crash, or when the save met a conflict: the same place.

        Raises:
            CannotGoOn: the instance has lost what it needs.
            Permanent: there will be no place for this task; the text says why.
            Retryable: not now.
        """
        ...

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        """Hear that a task is likely to start there soon: its attempt is being saved, or will not be.

        Room may be made for it. Nothing of it is started or written, and `run` relies on nothing here.
        """
        ...

    async def run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        """Start the task or find it, wait for its end, and tell how it ended. Output goes to the log sink.

        Where the incarnation is gone, the outcome is Lost: nobody can know whether it started.

        Raises:
            CannotGoOn: the instance has lost what it needs.
            Permanent: the task cannot be run.
        """
        ...

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """SIGTERM to the task's group, SIGKILL after the grace. A key that never started is claimed as cancelled.

        The answer is what `run` of that key returns; `run` has been called.
        """
        ...

    async def close(self, grace: timedelta) -> None:
        """Detach from processes, wait at most `grace` for tasks that live in this process."""
        ...


class CallExecutor(Protocol):
    """Runs callables of the host's own process: at least once, since their claims end with the process."""

    async def run(self, task: PythonTask) -> TaskEnded:
        """Make the call or find it, wait for its end, and tell how it ended."""
        ...

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """Tell the callable to end; a key never started is claimed as cancelled."""
        ...

    async def close(self, grace: timedelta) -> None:
        """Wait at most `grace` for the calls that run."""
        ...
