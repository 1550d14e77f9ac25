"""Builds a runtime for this machine: a store by its URL, the local executors, leases, the clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from wfe.definition import graph_from_source
from wfe.executors.local import LocalExecutor
from wfe.executors.python import PythonExecutor
from wfe.hosts.wiring.identity import this_process
from wfe.ports.executor import Executor
from wfe.ports.logs import LogSink, Segment
from wfe.ports.store import Store
from wfe.providers import find
from wfe.runtime.clock import SystemClock
from wfe.runtime.definitions import Definitions
from wfe.runtime.nursery import Nursery
from wfe.runtime.runtime import Runtime
from wfe.runtime.tasks import Executors, TaskRunner, default_limit

STATE_DIRECTORY = ".wfe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a host is set up.

    Attributes:
        store: URL of the store: `memory:` or `sqlite:PATH`.
        state: directory for steps' files and logs.
        workspace: working directory of steps.
        max_tasks: how many tasks run at once.
        inherit: names of environment variables that steps see of the host's own.
        sink: takes what steps write, besides the files in `state`.
    """

    store: str = "memory:"
    state: Path = field(default_factory=lambda: Path(STATE_DIRECTORY))
    workspace: Path = field(default_factory=Path)
    max_tasks: int | None = None
    inherit: Sequence[str] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    sink: Callable[[Segment], None] | None = None


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """A runtime and what it stands on."""

    runtime: Runtime
    store: Store
    executors: Executors
    callables: dict[str, Callable[..., Any]]

    async def open(self) -> None:
        await self.store.open()
        self.runtime.open()

    async def close(self, grace: timedelta) -> None:
        """Wait for what runs in this process, let go of processes, close the store."""
        try:
            await self.executors.close(grace)
            await self.runtime.close()
        finally:
            await self.store.close()


class _Sink:
    """Hands segments to a function, if there is one; the executor's files are the log that is kept."""

    def __init__(self, take: Callable[[Segment], None] | None) -> None:
        self._take = take

    async def write(self, segment: Segment) -> None:
        if self._take is not None:
            self._take(segment)


def build(settings: Settings) -> EngineRoom:
    """Build what a host needs, without connecting to anything.

    Raises:
        UrlInvalid: the store's URL names nothing that keeps instances.
    """
    clock = SystemClock()
    provider = find(settings.store)
    leases = provider.leases(this_process(clock.new_id()), now=clock.now)
    callables: dict[str, Callable[..., Any]] = {}
    sink: LogSink = _Sink(settings.sink)
    processes: Executor = LocalExecutor(
        settings.state / "steps", settings.workspace, sink, inherit=settings.inherit, now=clock.now
    )
    executors = Executors(processes, PythonExecutor(callables, now=clock.now))
    nursery = Nursery()
    tasks = TaskRunner(executors, nursery, settings.max_tasks or default_limit())
    definitions = Definitions(provider.store, graph_from_source)
    runtime = Runtime(provider.store, leases, clock, definitions, tasks, nursery)
    return EngineRoom(runtime, provider.store, executors, callables)
