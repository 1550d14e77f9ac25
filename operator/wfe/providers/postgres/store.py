"""The store in one schema of Postgres: every write durable when it returns, decisions committed in groups."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from wfe.model import codec
from wfe.model.concurrency import Group
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.record import StepRecord
from wfe.model.signals import Signal
from wfe.ports.store import ActivityClaim, ActivityOffer, Definition, Published, Query, Summary
from wfe.providers.postgres import activities, concurrency, definitions, instances, messages
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.groups import Groups
from wfe.providers.postgres.messages import Post, Publication
from wfe.providers.postgres.saves import Answer, Save, save_all


class PostgresStore:
    """Keeps the promises of `wfe.ports.store.Store`; processes of many machines may use the same schema."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._saves: Groups[Save, Answer] = Groups(
            partial(save_all, database), key=lambda save: save.instance.id
        )
        self._posts: Groups[Post, int] = Groups(partial(messages.post_all, database))
        self._words: Groups[str, str | None] = Groups(partial(instances.resolve_all, database))
        self._publications: Groups[Publication, int] = Groups(partial(messages.publish_all, database))

    async def open(self) -> None:
        await self.database.open()

    async def close(self) -> None:
        for groups in (self._saves, self._posts, self._publications):
            await groups.finish()
        await self.database.close()

    async def put_definition(self, definition: Definition) -> None:
        await definitions.put(self.database, definition)

    async def definition(self, digest: str) -> Definition | None:
        return await definitions.get(self.database, digest)

    async def latest_definition(self, workflow: str, version: int | None) -> Definition | None:
        return await definitions.latest(self.database, workflow, version)

    async def create(self, decision: Decision) -> bool:
        return bool(await self._saves.do(Save.of(decision, creates=True)))

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        await self._saves.do(Save.of(decision, consumed=consumed))

    async def load(self, instance: str) -> Instance | None:
        return await instances.load(self.database, instance)

    async def resolve(self, id_or_name: str) -> str | None:
        return await self._words.do(id_or_name)

    async def list(self, query: Query) -> Sequence[Summary]:
        return await instances.listed(self.database, query)

    async def unfinished(self) -> Sequence[str]:
        return await instances.unfinished(self.database)

    async def history(self, instance: str) -> Sequence[StepRecord]:
        return await instances.history(self.database, instance)

    async def delete(self, instance: str) -> bool:
        return await instances.delete(self.database, instance)

    async def post(self, instance: str, signal: Signal) -> int:
        return await self._posts.do(Post(instance, codec.encode_signal(signal)))

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        return await messages.inbox(self.database, instance)

    async def inboxes(self) -> Sequence[str]:
        return await messages.inboxes(self.database)

    async def publish(self, name: str, key: str, payload: Json, *, now: datetime) -> Event:
        text = codec.dump_json(payload)
        sequence = await self._publications.do(Publication(name, key, text.encode(), now))
        return Event(sequence=sequence, name=name, key=key, payload=codec.load_json(text), published_at=now)

    async def first_event(self, name: str, key: str, *, after: int, since: datetime | None) -> Event | None:
        return await messages.first_event(self.database, name, key, after, since)

    async def expire_events(self, *, before: datetime) -> int:
        return await messages.expire(self.database, before)

    async def offer(self, offer: ActivityOffer) -> None:
        await activities.offer(self.database, offer)

    async def withdraw(self, instance: str, path: str, attempt: int) -> None:
        await activities.withdraw(self.database, instance, path, attempt)

    async def claim_activity(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        return await activities.claim(self.database, name, worker, now)

    async def close_activity(self, token: str, *, now: datetime) -> ActivityOffer | None:
        return await activities.close(self.database, token, now)

    async def group(self, key: str) -> Group:
        return await concurrency.get(self.database, key)

    async def put_group(self, key: str, before: Group, after: Group) -> None:
        await concurrency.put(self.database, key, before, after)

    async def changes(self) -> Published:
        return await self.database.news.wait()
