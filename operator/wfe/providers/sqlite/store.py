"""The store in one SQLite file: every write durable when it returns, many writes in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from wfe.model import codec
from wfe.model.concurrency import Group
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.record import StepRecord
from wfe.model.signals import Signal
from wfe.ports.store import ActivityClaim, ActivityOffer, Definition, Published, Query, Summary
from wfe.providers.sqlite import activities, definitions, groups, instances, messages
from wfe.providers.sqlite.database import Database
from wfe.providers.sqlite.saves import Save


class SqliteStore:
    """Keeps the promises of `wfe.ports.store.Store`; several processes may use the same file."""

    def __init__(self, database: Database | str) -> None:
        self.database = Database(database) if isinstance(database, str) else database

    async def open(self) -> None:
        await self.database.open()

    async def close(self) -> None:
        await self.database.close()

    async def put_definition(self, definition: Definition) -> None:
        await self.database.write(lambda connection: definitions.put(connection, definition))

    async def definition(self, digest: str) -> Definition | None:
        return await self.database.read(lambda connection: definitions.get(connection, digest))

    async def latest_definition(self, workflow: str, version: int | None) -> Definition | None:
        return await self.database.read(lambda connection: definitions.latest(connection, workflow, version))

    async def create(self, decision: Decision) -> bool:
        created: bool = await self.database.write(Save.of(decision, creates=True))
        return created

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        await self.database.write(Save.of(decision, consumed=consumed))

    async def load(self, instance: str) -> Instance | None:
        return await self.database.read(lambda connection: instances.load(connection, instance))

    async def resolve(self, id_or_name: str) -> str | None:
        return await self.database.read(lambda connection: instances.resolve(connection, id_or_name))

    async def list(self, query: Query) -> Sequence[Summary]:
        return await self.database.read(lambda connection: instances.listed(connection, query))

    async def unfinished(self) -> Sequence[str]:
        return await self.database.read(instances.unfinished)

    async def history(self, instance: str) -> Sequence[StepRecord]:
        return await self.database.read(lambda connection: instances.history(connection, instance))

    async def delete(self, instance: str) -> bool:
        return await self.database.write(lambda connection: instances.delete(connection, instance))

    async def post(self, instance: str, signal: Signal) -> int:
        body = codec.encode_signal(signal)
        return await self.database.write(lambda connection: messages.post(connection, instance, body))

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        return await self.database.read(lambda connection: messages.inbox(connection, instance))

    async def inboxes(self) -> Sequence[str]:
        return await self.database.read(messages.inboxes)

    async def publish(self, name: str, key: str, payload: Json, *, now: datetime) -> Event:
        text = codec.dump_json(payload)
        sequence = await self.database.write(
            lambda connection: messages.publish(connection, name, key, text, now)
        )
        copied = codec.load_json(text)
        return Event(sequence=sequence, name=name, key=key, payload=copied, published_at=now)

    async def first_event(self, name: str, key: str, *, after: int, since: datetime | None) -> Event | None:
        return await self.database.read(
            lambda connection: messages.first_event(connection, name, key, after, since)
        )

    async def expire_events(self, *, before: datetime) -> int:
        return await self.database.write(lambda connection: messages.expire(connection, before))

    async def offer(self, offer: ActivityOffer) -> None:
        params = codec.dump_json(offer.params)
        await self.database.write(lambda connection: activities.offer(connection, offer, params))

    async def withdraw(self, instance: str, path: str, attempt: int) -> None:
        await self.database.write(lambda connection: activities.withdraw(connection, instance, path, attempt))

    async def claim_activity(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        return await self.database.write(lambda connection: activities.claim(connection, name, worker, now))

    async def close_activity(self, token: str, *, now: datetime) -> ActivityOffer | None:
        return await self.database.write(lambda connection: activities.close(connection, token, now))

    async def group(self, key: str) -> Group:
        return await self.database.read(lambda connection: groups.get(connection, key))

    async def put_group(self, key: str, before: Group, after: Group) -> None:
        await self.database.write(lambda connection: groups.put(connection, key, before, after))

    async def changes(self) -> Published:
        await self.database.changes()
        return None
