"""A provider: the ports that one technology keeps, over connections that they share."""

from collections.abc import Callable
from datetime import datetime

from wfe.ports.leases import Leases
from wfe.ports.logs import LogStore
from wfe.ports.mirror import Mirror
from wfe.ports.queue import Queue
from wfe.ports.search import Search
from wfe.ports.store import Store


class Provider:
    """What one URL brings. What a technology does not have is None, which is what is said here of all.

    Attributes:
        store: instances, events, definitions; always the same object.
        search: instances by the words in them.
        logs: what steps wrote.
        mirror: the history of instances; opened and closed by itself, since not all who keep something here want it.
    """

    store: Store | None = None
    search: Search | None = None
    logs: LogStore | None = None
    mirror: Mirror | None = None

    async def open(self) -> None:
        """Connect all parts, and bring schemas up to date; nothing if that is done. As `Store.open`.

        Raises:
            StoreUnavailable: the same call may succeed later.
            Permanent: it will not; the text says what is wrong and the way out.
        """
        if self.store is not None:
            await self.store.open()

    async def close(self) -> None:
        """Finish pending writes and disconnect; nothing if that is done."""
        if self.store is not None:
            await self.store.close()

    def leases(self, holder: str, *, now: Callable[[], datetime]) -> Leases | None:  # noqa: ARG002
        """Return the leases of that holder."""
        return None

    def queue(self, *, now: Callable[[], datetime]) -> Queue | None:  # noqa: ARG002
        """Return the queue."""
        return None
