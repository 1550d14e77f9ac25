"""Everything in the memory of this process: for tests, and for runs that may be forgotten. `memory:`"""

from collections.abc import Callable
from datetime import datetime

from wfe.ports.provider import Provider
from wfe.providers.memory.leases import LeaseTable, MemoryLeases
from wfe.providers.memory.logs import MemoryLogs
from wfe.providers.memory.mirror import MemoryMirror
from wfe.providers.memory.queue import MemoryQueue, QueueTable
from wfe.providers.memory.search import MemorySearch
from wfe.providers.memory.store import MemoryStore

__all__ = [
    "LeaseTable",
    "MemoryLeases",
    "MemoryLogs",
    "MemoryMirror",
    "MemoryProvider",
    "MemoryQueue",
    "MemorySearch",
    "MemoryStore",
    "QueueTable",
    "from_url",
]


class MemoryProvider(Provider):
    """A store, leases, a queue, search, logs and a mirror that live as long as this object."""

    def __init__(self) -> None:
        self.store: MemoryStore = MemoryStore()
        self.search: MemorySearch = MemorySearch()
        self.logs: MemoryLogs = MemoryLogs()
        self.mirror: MemoryMirror = MemoryMirror()
        self._leases = LeaseTable()
        self._queue = QueueTable()

    def leases(self, holder: str, *, now: Callable[[], datetime]) -> MemoryLeases:
        return MemoryLeases(self._leases, holder, now=now)

    def queue(self, *, now: Callable[[], datetime]) -> MemoryQueue:
        return MemoryQueue(self._queue, now=now)


def from_url(url: str) -> MemoryProvider:
    """Return an empty provider: every call another one."""
    if url not in {"memory:", "memory://"}:
        raise ValueError("has something after `memory:`, which has no names; use `memory:`")
    return MemoryProvider()
