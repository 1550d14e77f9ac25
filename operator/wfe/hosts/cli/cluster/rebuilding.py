"""Compares all of a cluster with its history, and puts there what is missing.

What is alike is left as it is, so whoever is interrupted begins again and soon comes to where they were.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from wfe.hosts.kubernetes.copies.comparing import Wholes
from wfe.hosts.kubernetes.copies.pending import Source
from wfe.kube import Client
from wfe.model.event import Event
from wfe.ports.mirror import Change, Mirror
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS, EventObject, event_in
from wfe.providers.customresource.kinds import event_object

PAGE: Final = 100
# What is on its way when it is looked at has arrived by then, if the operator sends.
SETTLE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Rebuilding:
    """Goes through the objects of a namespace, or of all.

    Attributes:
        namespace: None for all.
        repairs: puts what is missing; without it, that is only told.
        told: hears how far it is, once a page.
    """

    client: Client
    mirror: Mirror
    namespace: str | None
    repairs: bool
    told: Callable[[str], None]
    looked: int = 0
    put: int = 0
    _wholes: Wholes = field(init=False)

    def __post_init__(self) -> None:
        self._wholes = Wholes(self.client)

    async def run(self) -> Sequence[str]:
        """Go through everything, and return what differs in the end, a sentence each.

        Raises:
            WfeError: not now; begin again.
        """
        doubtful: list[Source] = []
        page: list[Source] = []
        listed = self.client.list(INSTANCES, self.namespace, metadata_only=True)
        async for body in listed:
            metadata = body["metadata"]
            page.append(Source(metadata["namespace"], metadata["name"]))
            if len(page) >= PAGE:
                doubtful += await self._page(page)
                page = []
        doubtful += await self._page(page)
        differences = await self._events()
        if doubtful:
            await asyncio.sleep(SETTLE_SECONDS)
        for source in doubtful:
            change = await self._wholes(source)
            differences += await self._differences(change) if change is not None else []
        return differences

    async def _page(self, sources: Sequence[Source]) -> list[Source]:
        """Look at some, put what differs, and return what may still differ."""
        doubtful = []
        for source in sources:
            change = await self._wholes(source)
            self.looked += 1
            if change is None or not await self._differences(change):
                continue
            if self.repairs:
                await self.mirror.put([change])
                self.put += 1
            doubtful.append(source)
        if sources:
            self.told(f"{self.looked} instances looked at, {self.put} put")
        return doubtful

    async def _differences(self, change: Change) -> list[str]:
        instance = change.instance
        name = f"{change.namespace}/{instance.name}"
        kept = (await self.mirror.revisions([instance.id])).get(instance.id)
        if kept is None:
            return [f"{name}: not in the history"]
        if kept < instance.revision:
            return [f"{name}: the history has revision {kept}, the cluster {instance.revision}"]
        if kept > instance.revision:
            backup = "was the cluster restored from a backup?"
            return [
                f"{name}: the history has revision {kept}, the cluster only {instance.revision}; {backup}"
            ]
        steps = {record.seq: record for record in await self.mirror.steps(instance.id)}
        other = [record.path for record in change.records if steps.get(record.seq) != record]
        more = len(steps) - len(change.records) + len([one for one in change.records if one.seq not in steps])
        said = (
            [f"{name}: {len(other)} steps are missing or other, the first is `{other[0]}`"] if other else []
        )
        return said + ([f"{name}: the history has {more} steps more"] if more else [])

    async def _events(self) -> list[str]:
        """Compare what was published and has not expired."""
        differences = []
        async for body in self.client.list(WORKFLOW_EVENTS, self.namespace):
            found: EventObject = event_object(body)
            event = event_in(found)
            if event is None or await self._has(found.metadata.namespace, event):
                continue
            if self.repairs:
                await self.mirror.put_events(found.metadata.namespace, [event])
            if not await self._has(found.metadata.namespace, event):
                differences.append(
                    f"{found.metadata.namespace}/{found.metadata.name}: the event is not in the history"
                )
        return differences

    async def _has(self, namespace: str, event: Event) -> bool:
        known = await self.mirror.events(namespace, event.name, event.key)
        return any(one.sequence == event.sequence for one in known)
