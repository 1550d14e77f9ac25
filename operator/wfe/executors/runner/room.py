"""What every container of an executor shares."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from wfe.executors.runner.files import Paths
from wfe.executors.runner.homes import RunnerSettings
from wfe.executors.runner.leftovers import Leftovers
from wfe.executors.runner.streams import Streams
from wfe.ports.logs import LogSink


@dataclass(frozen=True, slots=True)
class Room:
    """How streams are opened, where logs go, and what ended steps have left."""

    streams: Streams
    settings: RunnerSettings
    sink: LogSink
    now: Callable[[], datetime]
    paths: Callable[[str], Paths]
    leftovers: Leftovers = field(default_factory=Leftovers)
