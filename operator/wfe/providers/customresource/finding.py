"""Finding the object of an instance: in the table, or by asking the API server."""

import re
from collections.abc import AsyncIterator
from typing import Final

from wfe.kube import ApiNotFound
from wfe.model import codec
from wfe.providers.customresource import names
from wfe.providers.customresource.kinds import InstanceObject, instance_object
from wfe.providers.customresource.names import INSTANCES
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.table import UNBORN, Kept

_UID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uid(instance: str) -> bool:
    """Whether an id is the uid of an object: the instance is of an object that a user made, or of none."""
    return _UID.fullmatch(instance) is not None


class Finder:
    """Finds instances by their ids and names."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def find(self, instance: str) -> Kept | None:
        """Return what is known of the instance with that id."""
        kept = self._room.table.get(instance)
        if kept is not None:
            return kept if kept.revision != UNBORN or kept.id == kept.uid else None
        name = self._room.table.last_name(instance)
        found = await self.at(name) if name is not None else None
        if found is None or found.id != instance:
            found = await self._search(instance)
        return self._room.table.learn(found) if found is not None else None

    async def at(self, name: str) -> InstanceObject | None:
        """Return the object of that name as it is now."""
        try:
            return instance_object(await self._room.client.get(INSTANCES, name, self._room.namespace))
        except ApiNotFound:
            return None

    async def _search(self, instance: str) -> InstanceObject | None:
        async for candidate in self._labelled(f"{names.ID}={names.label(instance)}"):
            if candidate.status.engine is not None and candidate.id == instance:
                return candidate
        if not is_uid(instance):
            return None
        # A user's object that has ended: only its metadata are read to find its name.
        every = self._room.client.list(INSTANCES, self._room.namespace, metadata_only=True)
        async for found in every:
            if found["metadata"]["uid"] == instance:
                return await self.at(found["metadata"]["name"])
        return None

    async def _labelled(self, selector: str) -> AsyncIterator[InstanceObject]:
        async for found in self._room.client.list(INSTANCES, self._room.namespace, labels=selector):
            yield instance_object(found)

    async def resolve(self, id_or_name: str) -> str | None:
        """Return the id of the instance with that id, or else with that name."""
        kept = await self.find(id_or_name)
        if kept is not None:
            return kept.id if kept.revision != UNBORN else None
        found = await self.at(names.root_name(id_or_name))
        if found is not None and _name_in(found) == id_or_name:
            return self._room.table.learn(found).id
        # A child's name is not its object's.
        if "/" in id_or_name:
            async for one in self._labelled(names.ROOT):
                if _name_in(one) == id_or_name:
                    return one.id
        return None


def _name_in(found: InstanceObject) -> str | None:
    engine = found.status.engine
    return codec.decode_head(engine.head.encode()).name if engine and engine.head else None
