"""Loading instances, their history and lists of them."""

import heapq
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Final

from wfe.errors import StoreUnavailable
from wfe.kube import ApiNotFound
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.ports.store import Query, Summary
from wfe.providers.customresource import records
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.finding import Finder
from wfe.providers.customresource.kinds import Engine, InstanceObject
from wfe.providers.customresource.names import INSTANCES
from wfe.providers.customresource.reads import ChunksGone, contents, instance_in, stored_in, summary_in
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.table import Kept

TRIES: Final = 8


class Loader:
    """Reads instances."""

    def __init__(self, room: Room, finder: Finder) -> None:
        self._room = room
        self._finder = finder

    async def load(self, instance: str) -> Instance | None:
        """Return an instance: from what the informer just saw of it, else from the API server."""
        with translated(f"reading instance `{instance}`"):
            kept = self._room.table.get(instance)
            if kept is not None and kept.fresh is not None:
                found, kept.fresh = kept.fresh, None
                engine = found.status.engine
                if engine is not None and found.version == kept.version:
                    try:
                        return await self._built(kept, found, engine)
                    except ChunksGone:
                        pass
            return await self._load_anew(instance)

    async def _load_anew(self, instance: str) -> Instance | None:
        for _ in range(TRIES):
            found = await self._found(instance)
            engine = found.status.engine if found else None
            if found is None or engine is None:
                return None
            try:
                return await self._built(self._room.table.learn(found), found, engine)
            except ChunksGone:
                continue
        raise StoreUnavailable(f"instance `{instance}` changes too fast, or has lost a chunk")

    async def _found(self, instance: str) -> InstanceObject | None:
        """Return the object of an instance as it is now."""
        for _ in range(2):
            kept = await self._finder.find(instance)
            if kept is None:
                return None
            found = await self._finder.at(kept.name)
            if found is not None and found.id == instance:
                return found
            self._room.table.forget(kept)
        return None

    async def _built(self, kept: Kept, found: InstanceObject, engine: Engine) -> Instance:
        held = await contents(self._room.chunks, engine)
        instance = instance_in(engine, held)
        if not kept.is_written and kept.revision == engine.revision:
            kept.stored = stored_in(found, engine, held)
        return instance

    async def history(self, instance: str) -> list[StepRecord]:
        """Return the records of ended visits in start order."""
        with translated(f"reading the history of instance `{instance}`"):
            for _ in range(TRIES):
                found = await self._found(instance)
                engine = found.status.engine if found else None
                if engine is None:
                    return []
                try:
                    return await records.read_records(self._room.chunks, engine.history, engine.ring)
                except ApiNotFound:
                    continue  # a chunk that was archived meanwhile
            raise StoreUnavailable(f"the history of instance `{instance}` has lost a chunk")

    async def whole(self, name: str) -> tuple[Instance, list[StepRecord]] | None:
        """Return the instance of the object with that name, and its history, both of one moment; None if there is none.

        Nothing of it is kept here, so this costs who works on it nothing.
        """
        with translated(f"reading instance `{name}`"):
            for _ in range(TRIES):
                found = await self._finder.at(name)
                engine = found.status.engine if found else None
                if engine is None:
                    return None
                try:
                    instance = instance_in(engine, await contents(self._room.chunks, engine))
                    return instance, await records.read_records(
                        self._room.chunks, engine.history, engine.ring
                    )
                except (ChunksGone, ApiNotFound):
                    continue
            raise StoreUnavailable(f"instance `{name}` changes too fast, or has lost a chunk")

    async def list(self, query: Query) -> Sequence[Summary]:
        """Return a page of summaries; of all objects that match, only as many as are asked for are kept."""
        newest: list[tuple[datetime, str, int, Summary]] = []
        numbers = count()
        with translated("listing instances"):
            for fields in _selections(query):
                async for found in self._room.client.list(INSTANCES, self._room.namespace, fields=fields):
                    summary = summary_in(found)
                    if summary is not None and query.wants(summary):
                        heapq.heappush(newest, (*summary.age, next(numbers), summary))
                        if len(newest) > query.limit:
                            heapq.heappop(newest)
        # One that changed its state between two lists is in both.
        found = {summary.id: summary for *_, summary in sorted(newest, key=lambda one: one[2])}
        return sorted(found.values(), key=lambda one: one.age, reverse=True)


def _selections(query: Query) -> list[str | None]:
    """Return the field selectors that together find all that can match."""
    chosen = (
        [f"spec.workflowRef.name={query.workflow}"] if query.workflow and query.workflow.isascii() else []
    )
    if query.roots_only:
        chosen.append("spec.parent.id=")
    if not query.statuses:
        return [",".join(chosen) or None]
    return [",".join([*chosen, f"status.phase={status.value}"]) for status in sorted(query.statuses)]
