"""The mirror: the history of instances, in a database made for questions. A copy, never read for a decision.

It is told what has been saved, perhaps late, perhaps twice, perhaps in another order, by one process or by several; it
ends up with the newest of everything all the same. What it was not told is found by comparing `revisions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus
from wfe.ports.store import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A saved revision of an instance, and visits of its steps that had ended by then.

    Revisions in between may be left out; visits may not. `namespace` is where the instance lives, "" on a laptop.
    """

    namespace: str
    instance: Instance
    records: Sequence[StepRecord] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An instance as the mirror has it: the head of its newest revision, without data and steps."""

    namespace: str
    instance: Instance

    @property
    def summary(self) -> Summary:
        return Summary.of(self.instance)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorQuery:
    """Which instances to list.

    Attributes:
        namespace: where they live; None for all.
        statuses: any of these; none for all.
        workflow: the id of their workflow.
        reference: their reference, whole.
        parent: the id of the instance that started them.
        roots_only: leave out those that were started by others.
        since: created at this time or later.
        until: created before this time.
        after: `next` of the page before.
        limit: the most on a page.
    """

    namespace: str | None = None
    statuses: frozenset[InstanceStatus] = frozenset()
    workflow: str | None = None
    reference: str | None = None
    parent: str | None = None
    roots_only: bool = False
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class MirrorPage:
    """What was found, by creation time and then id, newest first, and where the next page begins, None if nowhere."""

    found: Sequence[Kept]
    next: str | None


class Mirror(Protocol):
    """Promise: what was put is there when `put` returns, and survives a crash."""

    async def open(self) -> None:
        """Connect and bring the schema up to date; nothing if that is done. As `Store.open`."""
        ...

    async def close(self) -> None:
        """Disconnect; nothing if that is done."""
        ...

    async def put(self, changes: Sequence[Change]) -> None:
        """Keep changes. Of an instance, and of a visit, the newest revision stays.

        Raises:
            Retryable: some of it may have been kept; put all of it again.
        """
        ...

    async def put_events(self, namespace: str, events: Sequence[Event]) -> None:
        """Keep published events; the same again changes nothing."""
        ...

    async def revisions(self, instances: Sequence[str]) -> Mapping[str, int]:
        """Return the revisions that are kept of these instances, by id; those that are unknown are left out."""
        ...

    async def list(self, query: MirrorQuery) -> MirrorPage:
        """Return a page.

        Raises:
            Permanent: `after` is no page's `next`.
        """
        ...

    async def find(self, word: str, *, namespace: str | None = None) -> Kept | None:
        """Return the instance with that id, or the newest with that name."""
        ...

    async def steps(
        self, instance: str, *, after: int = -1, limit: int | None = None
    ) -> Sequence[StepRecord]:
        """Return at most `limit` ended visits in start order, from the first whose number is larger than `after`."""
        ...

    async def events(self, namespace: str, name: str, key: str) -> Sequence[Event]:
        """Return the events of that name and key that are kept, in their order."""
        ...

    async def purge(self, *, before: datetime, limit: int) -> int:
        """Delete at most `limit` instances that ended before, and as many events; return how many went.

        Call it until it returns 0: each call is short, and others are not kept waiting.
        """
        ...


def newest(changes: Iterable[Change]) -> list[Change]:
    """Return one change for each instance, its newest, with all records of the others that it does not have itself."""
    found: dict[str, Change] = {}
    for change in changes:
        known = found.get(change.instance.id)
        if known is None:
            found[change.instance.id] = change
            continue
        older, newer = sorted((known, change), key=lambda one: one.instance.revision)
        records = {record.seq: record for one in (older, newer) for record in one.records}
        found[change.instance.id] = Change(
            namespace=newer.namespace, instance=newer.instance, records=tuple(records.values())
        )
    return list(found.values())
