"""Inboxes: signals that wait in the status of the instance that they are for."""

from collections.abc import Sequence
from typing import Final

from wfe.errors import NotFound, StoreUnavailable
from wfe.kube import ApiConflict, ApiNotFound
from wfe.model import codec
from wfe.model.signals import Signal
from wfe.providers.customresource.errors import StoreRefused, translated
from wfe.providers.customresource.finding import Finder
from wfe.providers.customresource.kinds import instance_object
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.saving import patched

TRIES: Final = 30
BIGGEST: Final = 96 * 1024
FULL: Final = 128 * 1024
MOST: Final = 200


class Mail:
    """Posts and reads signals."""

    def __init__(self, room: Room, finder: Finder) -> None:
        self._room = room
        self._finder = finder

    async def post(self, instance: str, signal: Signal) -> int:
        """Leave a signal, behind those that are there; return its number.

        Raises:
            NotFound: there is no such instance.
            StoreRefused: the signal is too big.
            StoreUnavailable: the inbox is full; its instance empties it soon.
        """
        text = codec.encode_signal(signal).decode()
        if len(text) > BIGGEST:
            raise StoreRefused(f"a signal of {len(text)} bytes is too big; the limit is {BIGGEST}")
        with translated(f"telling instance `{instance}` something"):
            for _ in range(TRIES):
                number = await self._posted(instance, text)
                if number is not None:
                    self._room.table.changed.set()
                    return number
            raise StoreUnavailable(f"the object of instance `{instance}` changes too fast")

    async def _posted(self, instance: str, text: str) -> int | None:
        kept = await self._finder.find(instance)
        found = await self._finder.at(kept.name) if kept else None
        engine = found.status.engine if found and found.id == instance else None
        if found is None or engine is None:
            raise NotFound(f"there is no instance `{instance}`, so nothing can be told to it")
        if len(engine.inbox) >= MOST or sum(map(len, engine.inbox.values())) > FULL:
            raise StoreUnavailable(
                f"the inbox of instance `{instance}` is full; it is emptied when it goes on"
            )
        number = engine.posted + 1
        status = {"engine": {"posted": number, "inbox": {str(number): text}}}
        try:
            answer = await patched(self._room, found.metadata.name, found.metadata.resource_version, status)
        except (ApiConflict, ApiNotFound) as error:
            # If our own post was answered by nobody, it may be there twice; signals may be.
            del error
            return None
        self._room.table.learn(instance_object(answer))
        return number

    async def inbox(self, instance: str) -> Sequence[tuple[int, Signal]]:
        """Return the signals that wait, in order."""
        with translated(f"reading the inbox of instance `{instance}`"):
            kept = await self._finder.find(instance)
            if kept is None or not kept.mail:
                # What others post meanwhile is news of the informer, and is looked for then.
                return []
            found = await self._finder.at(kept.name)
            engine = found.status.engine if found and found.id == instance else None
            if engine is None:
                return []
            waiting = sorted((int(number), text) for number, text in engine.inbox.items())
            return [(number, codec.decode_signal(text.encode())) for number, text in waiting]

    def inboxes(self) -> Sequence[str]:
        """Return the ids of unfinished instances with waiting signals."""
        return [kept.id for kept in self._room.table if kept.mail and not kept.has_ended]
