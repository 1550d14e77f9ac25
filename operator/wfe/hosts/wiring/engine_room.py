"""Builds a runtime for this machine: a store by its URL, the local executors, leases, the clock."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from wfe.errors import NotFound
from wfe.executors.local import LocalExecutor
from wfe.executors.python import PythonExecutor
from wfe.graph.graph import Graph
from wfe.hosts.wiring.copies import Copies
from wfe.hosts.wiring.identity import this_process
from wfe.hosts.wiring.parts import Parts
from wfe.ports.logs import LogReader, LogSink, Segment
from wfe.ports.provider import Provider
from wfe.ports.queue import Queue
from wfe.ports.store import Store
from wfe.providers.files import FileLedger, FileLogs
from wfe.runtime.clock import SystemClock
from wfe.runtime.copies.held import Held
from wfe.runtime.definitions import Definitions
from wfe.runtime.leftovers import Leftovers
from wfe.runtime.nursery import Nursery
from wfe.runtime.runtime import Runtime
from wfe.runtime.tasks import Executors, TaskRunner, default_limit
from wfe.runtime.trees import TTL

STATE_DIRECTORY = ".wfe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a host is set up.

    Attributes:
        store: URL of the store: `memory:`, `sqlite:PATH`, `postgres://…`.
        queue: URL of the queue that workers take from; the store's own by default.
        locks: URL of the leases; the store's own by default.
        state: directory for steps' files and logs.
        workspace: working directory of steps.
        max_tasks: how many tasks run at once.
        inherit: names of environment variables that steps see of the host's own.
        secrets: values that steps refer to by name.
        sink: takes what steps write, besides the files in `state`.
        ttl: how long a host may be silent before others work on what it has.
        search: URL of a copy of all instances, for searching them; none by default.
        logs: URL of a copy of all that steps write, for reading and searching it anywhere; none by default.
        keep_logs: how long `logs` keeps what was written; for ever if that is None.
        ship: whether this host sends what changes to its copies; one that only looks does not.
        lost_after: how long whoever runs an attempt in another place has to tell how it ended.
    """

    store: str = "memory:"
    queue: str | None = None
    locks: str | None = None
    state: Path = field(default_factory=lambda: Path(STATE_DIRECTORY))
    workspace: Path = field(default_factory=Path)
    max_tasks: int | None = None
    inherit: Sequence[str] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    sink: Callable[[Segment], None] | None = None
    ttl: timedelta = TTL
    lost_after: timedelta = timedelta()
    search: str | None = None
    logs: str | None = None
    keep_logs: timedelta | None = None
    ship: bool = True


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """A runtime and what it stands on; `queue` is None if the technology of the store has none."""

    providers: Sequence[Provider]
    runtime: Runtime
    store: Store
    queue: Queue | None
    leftovers: Leftovers
    executors: Executors
    callables: dict[str, Callable[..., Any]]
    logs: LogReader
    copies: Copies
    ships: bool

    async def open(self) -> None:
        """Connect everything, and begin to watch.

        Raises:
            StoreUnavailable: something cannot be reached just now.
            Permanent: something cannot be used; the text says what, and the way out.
        """
        for provider in self.providers:
            await provider.open()
        await self.copies.open(self.runtime, ship=self.ships)
        self.runtime.open()

    async def close(self, grace: timedelta) -> None:
        """Wait for what runs in this process, let go of processes, disconnect."""
        try:
            await self.executors.close(grace)
            await self.runtime.close()
            await self.copies.close(grace)
        finally:
            for provider in self.providers:
                await provider.close()


class _Sink:
    """Hands segments to those who want them; the executor's files are the log that is kept in any case."""

    def __init__(self, take: Callable[[Segment], None] | None, shipper: LogSink | None) -> None:
        self._take = take
        self._shipper = shipper

    async def write(self, segment: Segment) -> None:
        if self._take is not None:
            self._take(segment)
        if self._shipper is not None:
            await self._shipper.write(segment)


def state_of(store: str) -> Path:
    """Return the directory for the files of steps that belongs to a store: claims are good for one of each.

    For a file it is `.wfe` beside it, named after it; a file in a directory `.wfe` shares that.
    """
    scheme, _, rest = store.partition(":")
    path = Path(rest.removeprefix("//"))
    if scheme != "sqlite" or not rest:
        return Path(STATE_DIRECTORY)
    return (
        path.parent
        if path.parent.name == STATE_DIRECTORY
        else path.with_name(f"{path.name}{STATE_DIRECTORY}")
    )


def _compiled(source: str) -> Graph:
    if source.startswith('{"builder"'):
        made = json.loads(source)["builder"]
        raise NotFound(
            f"workflow `{made['id']} v{made['version']}` was built in Python, and this host does not have it in "
            "that shape; register the workflow that the instance was started with"
        )
    from wfe.definition import graph_from_source  # noqa: PLC0415  # only recovered instances need it

    return graph_from_source(source)


def build(settings: Settings) -> EngineRoom:
    """Build what a host needs, without connecting to anything.

    Raises:
        UrlInvalid: a URL names nothing that can be what it is to be.
    """
    clock = SystemClock()
    parts = Parts(settings.store)
    store = parts.store()
    leases = parts.leases(settings.locks, this_process(clock.new_id()), now=clock.now)
    queue = parts.queue(settings.queue, now=clock.now)
    definitions = Definitions(store, _compiled)
    local = FileLogs(settings.state / "steps", lambda instance: _has_ended(store, instance))
    copies = _copies(settings, parts, clock)
    copies.attach(store, definitions, local, clock)
    callables: dict[str, Callable[..., Any]] = {}
    sink: LogSink = _Sink(settings.sink, copies.shipper if settings.ship else None)
    processes = LocalExecutor(
        settings.state / "steps",
        settings.workspace,
        sink,
        inherit=settings.inherit,
        secrets=settings.secrets,
        lost_after=settings.lost_after,
        now=clock.now,
    )
    executors = Executors(processes, PythonExecutor(callables, now=clock.now))
    nursery = Nursery()
    tasks = TaskRunner(executors, nursery, settings.max_tasks or default_limit())
    runtime = Runtime(store, leases, clock, definitions, tasks, nursery, ttl=settings.ttl)
    leftovers = Leftovers(store, clock, nursery, definitions, tasks, processes.started)
    logs = copies.reader(local, lambda instance: _has_ended(store, instance), clock)
    return EngineRoom(
        providers=parts.used,
        runtime=runtime,
        store=store,
        queue=queue,
        leftovers=leftovers,
        executors=executors,
        callables=callables,
        logs=logs,
        copies=copies,
        ships=settings.ship,
    )


def _copies(settings: Settings, parts: Parts, clock: SystemClock) -> Copies:
    search, logs = parts.search(settings.search), parts.logs(settings.logs)
    ledger = FileLedger(settings.state / "copies", clock.new_id())
    return Copies(parts.copies, Held(ledger), search, logs, settings.keep_logs)


async def _has_ended(store: Store, instance: str) -> bool:
    value = await store.load(instance)
    return value is None or value.status.is_final
