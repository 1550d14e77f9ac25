"""A store in memory that keeps stored forms, not objects: nobody changes what was saved by keeping it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wfe.errors import Conflict, NameTaken, NotFound
from wfe.model import codec
from wfe.model.concurrency import Group
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.parts import part_names
from wfe.model.record import StepRecord
from wfe.model.signals import Signal
from wfe.ports.store import ActivityClaim, ActivityOffer, Definition, Published, Query, Summary
from wfe.providers.memory.activities import Activities


@dataclass(slots=True)
class Stored:
    """One instance as it would lie on a disk."""

    summary: Summary
    head: bytes
    parts: dict[str, bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    inbox: dict[int, bytes] = field(default_factory=dict)


class MemoryStore:
    """The store of one process; nothing outlives it."""

    def __init__(self) -> None:
        self._instances: dict[str, Stored] = {}
        self._names: dict[str, str] = {}
        self._definitions: dict[str, Definition] = {}
        self._events: list[Event] = []
        self._activities = Activities()
        self._groups: dict[str, Group] = {}
        self._sequence = 0
        self._changed = asyncio.Event()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def put_definition(self, definition: Definition) -> None:
        self._definitions.setdefault(definition.workflow.digest, definition)
        self._changed.set()

    async def definition(self, digest: str) -> Definition | None:
        return self._definitions.get(digest)

    async def latest_definition(self, workflow: str, version: int | None) -> Definition | None:
        found = [
            one
            for one in self._definitions.values()
            if one.workflow.id == workflow and version in {None, one.workflow.version}
        ]
        highest = max((one.workflow.version for one in found), default=None)
        return next((one for one in reversed(found) if one.workflow.version == highest), None)

    async def create(self, decision: Decision) -> bool:
        instance = decision.instance
        if instance.id in self._instances:
            return False
        if instance.name in self._names:
            raise NameTaken(f"there is an instance named `{instance.name}` already; use another name")
        stored = Stored(Summary.of(instance), b"")
        _write(stored, decision, part_names(instance))
        self._instances[instance.id] = stored
        self._names[instance.name] = instance.id
        self._changed.set()
        return True

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        instance = decision.instance
        stored = self._instances.get(instance.id)
        found = stored.summary.revision if stored else None
        if stored is None or found != instance.revision - 1:
            raise Conflict(
                f"instance `{instance.id}` is at revision {found}, not {instance.revision - 1}; load it again"
            )
        _write(stored, decision, decision.touched)
        for sequence in consumed:
            stored.inbox.pop(sequence, None)
        self._changed.set()

    async def load(self, instance: str) -> Instance | None:
        stored = self._instances.get(instance)
        return codec.decode(stored.head, stored.parts) if stored else None

    async def resolve(self, id_or_name: str) -> str | None:
        return id_or_name if id_or_name in self._instances else self._names.get(id_or_name)

    async def list(self, query: Query) -> Sequence[Summary]:
        matching = [one.summary for one in self._instances.values() if query.wants(one.summary)]
        return sorted(matching, key=lambda one: one.age, reverse=True)[: query.limit]

    async def unfinished(self) -> Sequence[str]:
        live = [one.summary for one in self._instances.values() if not one.summary.status.is_final]
        return [summary.id for summary in sorted(live, key=lambda one: one.age)]

    async def history(self, instance: str) -> Sequence[StepRecord]:
        stored = self._instances.get(instance)
        return [codec.decode_record(text) for _, text in sorted(stored.records.items())] if stored else []

    async def delete(self, instance: str) -> bool:
        stored = self._instances.pop(instance, None)
        if stored is None:
            return False
        del self._names[stored.summary.name]
        self._activities.forget(instance)
        self._changed.set()
        return True

    async def post(self, instance: str, signal: Signal) -> int:
        stored = self._instances.get(instance)
        if stored is None:
            raise NotFound(f"there is no instance `{instance}`, so nothing can be told to it")
        self._sequence += 1
        stored.inbox[self._sequence] = codec.encode_signal(signal)
        self._changed.set()
        return self._sequence

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        stored = self._instances.get(instance)
        return [(seq, codec.decode_signal(text)) for seq, text in stored.inbox.items()] if stored else []

    async def inboxes(self) -> Sequence[str]:
        return [
            name for name, one in self._instances.items() if one.inbox and not one.summary.status.is_final
        ]

    async def publish(self, name: str, key: str, payload: Json, *, now: datetime) -> Event:
        self._sequence += 1
        copied = codec.load_json(codec.dump_json(payload))
        event = Event(sequence=self._sequence, name=name, key=key, payload=copied, published_at=now)
        self._events.append(event)
        self._changed.set()
        return event

    async def first_event(self, name: str, key: str, *, after: int, since: datetime | None) -> Event | None:
        for event in self._events:
            is_new = event.sequence > after and (since is None or event.published_at >= since)
            if is_new and (event.name, event.key) == (name, key):
                return event
        return None

    async def expire_events(self, *, before: datetime) -> int:
        kept = [event for event in self._events if event.published_at >= before]
        expired = len(self._events) - len(kept)
        self._events = kept
        return expired

    async def offer(self, offer: ActivityOffer) -> None:
        self._activities.offer(offer)
        self._changed.set()

    async def withdraw(self, instance: str, path: str, attempt: int) -> None:
        self._activities.withdraw(instance, path, attempt)

    async def claim_activity(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        return self._activities.claim(name, worker, now=now)

    async def close_activity(self, token: str, *, now: datetime) -> ActivityOffer | None:
        return self._activities.close(token, now=now)

    async def group(self, key: str) -> Group:
        return self._groups.get(key, Group())

    async def put_group(self, key: str, before: Group, after: Group) -> None:
        if self._groups.get(key, Group()) != before:
            raise Conflict(f"concurrency group `{key}` is another by now")
        self._groups[key] = after
        if not after.members:
            del self._groups[key]
        if after != before:
            self._changed.set()

    async def changes(self) -> Published:
        await self._changed.wait()
        self._changed.clear()
        return None


def _write(stored: Stored, decision: Decision, names: Iterable[str]) -> None:
    # Everything that can fail (a value that is not JSON) is done before anything is changed.
    parts = codec.encode_parts(decision.instance, names)
    head = codec.encode_head(decision.instance)
    records = {record.seq: codec.encode_record(record) for record in decision.records}
    stored.summary = Summary.of(decision.instance)
    stored.head = head
    stored.records.update(records)
    for name, text in parts.items():
        if text is None:
            stored.parts.pop(name, None)
        else:
            stored.parts[name] = text
