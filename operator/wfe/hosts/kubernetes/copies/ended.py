"""Finds the instances that have ended in the cluster and not in the index, and has all of them sent.

That is so of those whose lines were on their way when a process died, of all when an index was emptied, and of those
that ended before there was one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.homes import Place
from wfe.kube import Client
from wfe.providers.customresource import INSTANCES
from wfe.providers.customresource.names import ID, ROOT
from wfe.runtime.copies.delivery import Delivery

LOOK_EVERY: Final = timedelta(minutes=10)
PAGE: Final = 200
# More are not sent at once.
MOST_ON_THEIR_WAY: Final = 1000
PAUSE_SECONDS: Final = 0.5
ENDED: Final = "status.active=false"
Metadata = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EndedInstances:
    """Compares what has ended with the index, now and then.

    Attributes:
        place: finds a namespace's store and definitions.
        works: tells whether this replica works the tree with that root; others compare theirs.
    """

    client: Client
    namespaces: Sequence[str]
    copies: Searched
    place: Callable[[str], Awaitable[Place]]
    works: Callable[[str], bool]

    async def run(self) -> None:
        """Compare, until cancelled."""
        comparing = Delivery("comparisons of the search with what has ended", self.copies.clock)
        while True:
            await comparing.persistently(self.look)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Compare all that has ended.

        Raises:
            WfeError: not now.
        """
        for namespace in self.namespaces or (None,):
            page: dict[str, Metadata] = {}
            async for body in self.client.list(INSTANCES, namespace, fields=ENDED, metadata_only=True):
                metadata = body["metadata"]
                labels = metadata.get("labels", {})
                if self.works(labels.get(ROOT, metadata["uid"])):
                    # A child has its id as a label, and of all others the id is the uid.
                    page[labels.get(ID, metadata["uid"])] = metadata
                if len(page) >= PAGE:
                    await self._send(page)
                    page = {}
            await self._send(page)

    async def _send(self, page: dict[str, Metadata]) -> None:
        for instance in await self.copies.without_end(page.keys()):
            while self.copies.ending >= MOST_ON_THEIR_WAY:  # noqa: ASYNC110 - nobody tells of each end
                await asyncio.sleep(PAUSE_SECONDS)
            place = await self.place(page[instance]["namespace"])
            await place.store.resolve(page[instance]["name"])
            value = await place.store.load(instance)
            if value is not None and value.status.is_final:
                self.copies.whole(place, value)
