"""One schema of a Postgres database: store, leases and queue; and a mirror in a schema beside it.

`postgres://USER@HOST:PORT/DATABASE?schema=NAME`
"""

from collections.abc import Callable
from datetime import datetime

from wfe.ports.provider import Provider
from wfe.providers.postgres.address import Address
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.errors import StoreUnusable
from wfe.providers.postgres.history import PostgresMirror
from wfe.providers.postgres.leases import PostgresLeases
from wfe.providers.postgres.queue import PostgresQueue
from wfe.providers.postgres.store import PostgresStore

__all__ = [
    "PostgresLeases",
    "PostgresMirror",
    "PostgresProvider",
    "PostgresQueue",
    "PostgresStore",
    "StoreUnusable",
    "from_url",
]


class PostgresProvider(Provider):
    """What is kept in one schema, over one pool of connections."""

    def __init__(self, address: Address) -> None:
        self._database = Database(address)
        self.store: PostgresStore = PostgresStore(self._database)
        self.mirror: PostgresMirror = PostgresMirror(address)

    def leases(self, holder: str, *, now: Callable[[], datetime]) -> PostgresLeases:  # noqa: ARG002
        """Return leases in the same schema; they go by the server's clock."""
        return PostgresLeases(self._database, holder)

    def queue(self, *, now: Callable[[], datetime]) -> PostgresQueue:
        """Return a queue in the same schema; it goes by the server's clock."""
        return PostgresQueue(self._database, now=now)


def from_url(url: str) -> PostgresProvider:
    """Return the provider for a URL; nothing is connected yet. `Address` says what a URL may have.

    Raises:
        ValueError: the URL has something that means nothing here.
    """
    return PostgresProvider(Address.of(url))
