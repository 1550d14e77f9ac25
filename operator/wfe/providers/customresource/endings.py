"""Writes that no decision makes: the epoch of a runner, that an instance cannot begin, the last word on one."""

from typing import Final

from wfe.errors import Conflict, NotFound, StoreUnavailable
from wfe.kube import ApiConflict, ApiNotFound
from wfe.kube.resource import CONFIG_MAPS
from wfe.providers.customresource import names, words
from wfe.providers.customresource.blobs import names_of
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.finding import Finder
from wfe.providers.customresource.kinds import Engine, InstanceObject, instance_object
from wfe.providers.customresource.names import ID, ROLE
from wfe.providers.customresource.records import ELSEWHERE
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.saves import Status
from wfe.providers.customresource.saving import patched
from wfe.providers.customresource.table import FINAL

TRIES: Final = 20


class Endings:
    """Reads an object, and writes at the version that was read."""

    def __init__(self, room: Room, finder: Finder) -> None:
        self._room = room
        self._finder = finder

    async def raise_epoch(self, root: str, *, pod: str | None) -> int:
        """Raise the epoch of a tree's runner by compare-and-swap.

        Raises:
            NotFound: there is no such instance.
        """
        with translated(f"raising the epoch of instance `{root}`"):
            for _ in range(TRIES):
                found = await self._found(root)
                if found is None:
                    raise NotFound(f"there is no instance `{root}`, so it has no runner")
                epoch = (found.status.runner.epoch if found.status.runner else 0) + 1
                runner: Status = {"epoch": epoch, **({"pod": pod} if pod else {})}
                if await self._wrote(found, {"runner": runner}):
                    return epoch
        raise StoreUnavailable(f"the object of instance `{root}` changes too fast")

    async def refuse(self, name: str, reason: str, message: str, *, uid: str) -> None:
        """Say why an instance cannot begin, once; harmless if it has begun, or is another object's, meanwhile."""
        with translated(f"refusing instance `{name}`"):
            for _ in range(TRIES):
                found = await self._finder.at(name)
                if found is None or found.metadata.uid != uid or found.status.engine is not None:
                    return
                said = (found.status.reason, found.status.message, found.status.observed_generation)
                now = self._room.client.now()
                refusal = words.refusal(reason, message, found.metadata.generation, now=now)
                if said == (refusal["reason"], refusal["message"], refusal["observedGeneration"]):
                    return
                if await self._wrote(found, refusal):
                    return
        raise StoreUnavailable(f"the object of instance `{name}` changes too fast")

    async def never_begin(self, name: str, *, uid: str, generation: int) -> bool:
        """End an instance before it begins. False if it has begun, or its object changed, meanwhile."""
        with translated(f"ending instance `{name}`"):
            found = await self._finder.at(name)
            if found is None or found.metadata.uid != uid or found.status.engine is not None:
                return False
            status = words.never_begun(generation, now=self._room.client.now())
            return found.metadata.generation == generation and await self._wrote(found, status)

    async def settle(self, instance: str, mirrored: bool | None) -> None:
        """Write `active: false`, what is known of the history, and delete chunks that were written for nothing.

        Raises:
            Conflict: the instance has not ended.
        """
        with translated(f"settling instance `{instance}`"):
            for _ in range(TRIES):
                found = await self._found(instance)
                engine = found.status.engine if found else None
                if found is None or engine is None:
                    return
                if found.status.phase not in FINAL:
                    raise Conflict(f"instance `{instance}` has not ended; it is {found.status.phase}")
                await self._sweep(instance, engine)
                if found.status.active is False or await self._wrote(found, self._last(found, mirrored)):
                    return
        raise StoreUnavailable(f"the object of instance `{instance}` changes too fast")

    def _last(self, found: InstanceObject, mirrored: bool | None) -> Status:
        if mirrored is None:
            return {"active": False}
        said = words.mirrored(
            found.status.conditions, mirrored, found.metadata.generation, now=self._room.client.now()
        )
        return {"active": False, "conditions": said}

    async def _sweep(self, instance: str, engine: Engine) -> None:
        """An instance that has ended is saved no more, so what it does not refer to is garbage."""
        if not engine.chunks and not engine.history and not engine.ring:
            return
        elsewhere = [text.removeprefix(ELSEWHERE) for text in engine.ring.values() if text[:1] == ELSEWHERE]
        referred = {name for reference in (*engine.chunks, *elsewhere) for name in names_of(reference)}
        selector = f"{ROLE}=chunk,{ID}={names.label(instance)}"
        every = self._room.client.list(CONFIG_MAPS, self._room.namespace, labels=selector, metadata_only=True)
        found = [one["metadata"]["name"] async for one in every]
        for name in sorted({*found} - {*referred, *engine.history}):
            await self._room.client.delete(CONFIG_MAPS, name, self._room.namespace)

    async def _found(self, instance: str) -> InstanceObject | None:
        kept = await self._finder.find(instance)
        found = await self._finder.at(kept.name) if kept else None
        return found if found is not None and found.id == instance else None

    async def _wrote(self, found: InstanceObject, status: Status) -> bool:
        """Write at the version that was read; False if there is another by now."""
        metadata = found.metadata
        try:
            answer = await patched(self._room, metadata.name, metadata.resource_version, status)
        except (ApiConflict, ApiNotFound):
            return False
        self._room.table.learn(instance_object(answer))
        return True
