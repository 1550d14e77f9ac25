"""The store: the one truth of a host.

It keeps instances, their history, signals that wait for them, events, definitions, and offered activities.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from wfe.model.concurrency import Group
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.failure import Failure
from wfe.model.instance import Counts, Instance, WorkflowRef
from wfe.model.json import Data, Json
from wfe.model.record import StepRecord
from wfe.model.signals import Signal
from wfe.model.status import InstanceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """An instance as a list shows it."""

    id: str
    name: str
    workflow: WorkflowRef
    status: InstanceStatus
    reason: str | None
    reference: str | None
    revision: int
    created_at: datetime
    finished_at: datetime | None
    counts: Counts
    parent: str | None
    failure: Failure | None

    @classmethod
    def of(cls, instance: Instance) -> "Summary":
        """Return the summary of an instance; its head is enough."""
        return cls(
            id=instance.id,
            name=instance.name,
            workflow=instance.workflow,
            status=instance.status,
            reason=instance.reason,
            reference=instance.reference,
            revision=instance.revision,
            created_at=instance.created_at,
            finished_at=instance.finished_at,
            counts=instance.counts,
            parent=instance.parent.instance if instance.parent else None,
            failure=instance.failure,
        )

    @property
    def age(self) -> tuple[datetime, str]:
        """What lists are ordered by, newest first; no two instances have the same."""
        return self.created_at, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which instances to list, newest first; `before` is the last summary of the page before (keysets)."""

    statuses: frozenset[InstanceStatus] = frozenset()
    workflow: str | None = None
    reference: str | None = None
    parent: str | None = None
    roots_only: bool = False
    before: Summary | None = None
    limit: int = 100

    def wants(self, summary: Summary) -> bool:
        """Whether an instance belongs to the list, as far as the limit lets it."""
        wanted = (
            (self.workflow, summary.workflow.id),
            (self.reference, summary.reference),
            (self.parent, summary.parent),
        )
        return (
            (not self.statuses or summary.status in self.statuses)
            and not (self.roots_only and summary.parent is not None)
            and all(value is None or value == found for value, found in wanted)
            and (self.before is None or summary.age < self.before.age)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A stored definition: its normalized source, found by digest while an instance is pinned to it."""

    workflow: WorkflowRef
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityOffer:
    """Work that an instance offers to outside workers."""

    instance: str
    path: str
    attempt: int
    name: str
    params: Data = field(default_factory=dict)
    claim: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityClaim:
    """An offer taken by a worker until `until`; `token` proves it when reporting."""

    offer: ActivityOffer
    token: str
    worker: str
    until: datetime


Published = frozenset[tuple[str, str]] | None


class Store(Protocol):
    """Promises: a returned write survives any crash (except `memory:`). A write that raised StoreUnavailable
    may or may not have happened. Every save is compare-and-swap on the revision. Ids and names are unique."""

    async def open(self) -> None:
        """Connect and bring the schema up to date.

        Raises:
            StoreUnavailable: the same call may succeed later.
            Permanent: it will not; the text says what is wrong and the way out.
        """
        ...

    async def close(self) -> None:
        """Finish pending writes and disconnect."""
        ...

    async def put_definition(self, definition: Definition) -> None:
        """Keep a definition; the same digest again changes nothing."""
        ...

    async def definition(self, digest: str) -> Definition | None: ...

    async def latest_definition(self, workflow: str, version: int | None) -> Definition | None:
        """Return the definition put last for that version, or for the highest version."""
        ...

    async def create(self, decision: Decision) -> bool:
        """Store a new instance (all of its parts). False, changing nothing, if the id exists.

        Raises:
            NameTaken: another instance has the name.
        """
        ...

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        """Store the next revision: head, touched parts, records; delete the consumed inbox entries with it.

        Raises:
            Conflict: the stored revision is not `decision.instance.revision - 1`; nothing was changed.
        """
        ...

    async def load(self, instance: str) -> Instance | None: ...

    async def resolve(self, id_or_name: str) -> str | None:
        """Return the id of the instance with that id or name."""
        ...

    async def list(self, query: Query) -> Sequence[Summary]: ...

    async def unfinished(self) -> Sequence[str]:
        """Return the ids of all instances that have not ended, oldest first."""
        ...

    async def history(self, instance: str) -> Sequence[StepRecord]:
        """Return the records of ended visits in start order."""
        ...

    async def delete(self, instance: str) -> bool:
        """Delete an instance and all that belongs to it. False if there is none."""
        ...

    async def post(self, instance: str, signal: Signal) -> int:
        """Leave a signal for whoever drives the instance, in order; return its sequence number.

        Raises:
            NotFound: there is no such instance.
        """
        ...

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        """Return the signals that wait, in order."""
        ...

    async def inboxes(self) -> Sequence[str]:
        """Return the ids of unfinished instances with waiting signals."""
        ...

    async def publish(self, name: str, key: str, payload: Json, *, now: datetime) -> Event:
        """Keep an event and return it with its sequence number."""
        ...

    async def first_event(self, name: str, key: str, *, after: int, since: datetime | None) -> Event | None:
        """Return the first event of name and key with `sequence > after`, published at or after `since`."""
        ...

    async def expire_events(self, *, before: datetime) -> int:
        """Delete events published before; return how many."""
        ...

    async def offer(self, offer: ActivityOffer) -> None:
        """Offer an activity; the same offer again changes nothing."""
        ...

    async def withdraw(self, instance: str, path: str, attempt: int) -> None: ...

    async def claim_activity(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        """Take the oldest offer of that name that nobody holds or whose claim has expired."""
        ...

    async def close_activity(self, token: str, *, now: datetime) -> ActivityOffer | None:
        """End a claim and its offer for a report. None if the token is no offer's claim, or has expired."""
        ...

    async def group(self, key: str) -> Group:
        """Return who is in a concurrency group; nobody is in one that nobody has written."""
        ...

    async def put_group(self, key: str, before: Group, after: Group) -> None:
        """Replace a concurrency group.

        Raises:
            Conflict: it is not what it was `before`; nothing was changed.
        """
        ...

    async def changes(self) -> Published:
        """Return once something may have been written since the last return, by this process or another.

        What is returned are the names and keys of the events that came; None if they may be any.
        What another process wrote is noticed within about 100 ms. There is one who waits, not several.
        """
        ...
