"""What a callable is told about its attempt."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from wfe.model.ids import AttemptKey
from wfe.model.json import Data


@dataclass(frozen=True, slots=True)
class PythonContext:
    """Given to every callable.

    Attributes:
        attempt_key: which attempt of which step of which instance this is.
        data: the data the step sees, loop items included.
        locals: the loop items and their numbers.
        config: what the step's configuration holds for the callable.
        cancelled: set when the step is to end; a callable in a thread should look at it, or wait for it.
    """

    attempt_key: AttemptKey
    data: Data
    locals: Data = field(default_factory=dict)
    config: Data = field(default_factory=dict)
    cancelled: Event = field(default_factory=Event)

    @property
    def instance(self) -> str:
        """The instance's id."""
        return self.attempt_key.instance

    @property
    def step(self) -> str:
        """The path of the visit."""
        return self.attempt_key.path

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        return self.attempt_key.attempt

    @property
    def key(self) -> str:
        """An idempotency key: the same when the call is made again after a crash."""
        return self.attempt_key.token

    @property
    def is_cancelled(self) -> bool:
        """Whether the step is to end."""
        return self.cancelled.is_set()


PythonCallable = Callable[[PythonContext], Any]
