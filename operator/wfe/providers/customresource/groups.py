"""Concurrency groups: a ConfigMap for each key that somebody has, swapped by its resourceVersion."""

from typing import Any, Final

from wfe.errors import Conflict
from wfe.kube import AlreadyExists, ApiConflict, ApiNotFound
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.concurrency import Group
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.room import Room

_BODY: Final = "group"
_KEY: Final = "key"
_LONGEST_KEY: Final = 1000


class Groups:
    """The concurrency groups of one namespace."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def get(self, key: str) -> Group:
        """Return who is in a group."""
        with translated(f"reading concurrency group `{key}`"):
            return _group(await self._found(key))

    async def put(self, key: str, before: Group, after: Group) -> None:
        """Replace a group, if it is what it was.

        Raises:
            Conflict: it is not.
        """
        with translated(f"writing concurrency group `{key}`"):
            found = await self._found(key)
            if _group(found) != before:
                raise Conflict(f"concurrency group `{key}` is another by now")
            if after == before:
                return
            try:
                await self._swap(key, found, after)
            except (AlreadyExists, ApiConflict, ApiNotFound) as error:
                raise Conflict(f"concurrency group `{key}` is another by now") from error

    async def _found(self, key: str) -> dict[str, Any] | None:
        try:
            return await self._room.client.get(CONFIG_MAPS, names.group_name(key), self._room.namespace)
        except ApiNotFound:
            return None

    async def _swap(self, key: str, found: dict[str, Any] | None, after: Group) -> None:
        client, namespace, name = self._room.client, self._room.namespace, names.group_name(key)
        if found is None:
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "labels": names.labels("group")},
                "data": {_KEY: key[:_LONGEST_KEY], _BODY: after.to_text()},
            }
            await client.create(CONFIG_MAPS, body, namespace)
            return
        version = found["metadata"]["resourceVersion"]
        if after.members:
            patch = {"data": {_BODY: after.to_text()}}
            await client.patch(CONFIG_MAPS, name, namespace, patch, resource_version=version)
        else:
            await client.delete(CONFIG_MAPS, name, namespace, resource_version=version)


def _group(found: dict[str, Any] | None) -> Group:
    return Group.of_text(None if found is None else found.get("data", {}).get(_BODY))
