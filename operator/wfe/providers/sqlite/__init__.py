"""One SQLite file: store, leases, queue, search and logs for the hosts of one machine. `sqlite:PATH`"""

from collections.abc import Callable
from datetime import datetime

from wfe.ports.provider import Provider
from wfe.providers.sqlite.database import Database
from wfe.providers.sqlite.errors import StoreUnusable
from wfe.providers.sqlite.holders import holder_alive, holder_name
from wfe.providers.sqlite.leases import SqliteLeases
from wfe.providers.sqlite.logs import SqliteLogs
from wfe.providers.sqlite.queue import Bell, SqliteQueue
from wfe.providers.sqlite.search import SqliteSearch
from wfe.providers.sqlite.store import SqliteStore

__all__ = [
    "SqliteLeases",
    "SqliteLogs",
    "SqliteProvider",
    "SqliteQueue",
    "SqliteSearch",
    "SqliteStore",
    "StoreUnusable",
    "from_url",
    "holder_alive",
    "holder_name",
]


class SqliteProvider(Provider):
    """The store, the leases, the queue, the search and the logs of one file."""

    def __init__(self, path: str) -> None:
        self._database = Database(path)
        self.store: SqliteStore = SqliteStore(self._database)
        self.search: SqliteSearch = SqliteSearch(self._database)
        self.logs: SqliteLogs = SqliteLogs(self._database)
        self._bell = Bell()

    def leases(self, holder: str, *, now: Callable[[], datetime]) -> SqliteLeases:
        """Return leases in the store's file; they work while the store is open."""
        return SqliteLeases(self._database, holder, now=now)

    def queue(self, *, now: Callable[[], datetime]) -> SqliteQueue:
        """Return the queue in the store's file; it works while the store is open."""
        return SqliteQueue(self._database, self._bell, now=now)


def from_url(url: str) -> SqliteProvider:
    """Return the provider for `sqlite:PATH`, also written `sqlite:///PATH`; nothing is opened yet."""
    path = url.removeprefix("sqlite:").removeprefix("//")
    if not path or path == ":memory:":
        raise ValueError("names no file; use `sqlite:PATH`, or `memory:` to keep nothing")
    return SqliteProvider(path)
