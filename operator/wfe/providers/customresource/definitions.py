"""Definitions: ControllerRevisions, named by content, which nobody changes."""

from collections import OrderedDict
from contextlib import suppress
from typing import Any, Final

from wfe.kube import AlreadyExists, ApiNotFound
from wfe.kube.resource import CONTROLLER_REVISIONS
from wfe.model.instance import WorkflowRef
from wfe.ports.store import Definition
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import StoreRefused, translated
from wfe.providers.customresource.names import DEFINITION, GROUP, ROLE, WORKFLOW
from wfe.providers.customresource.room import Room

BIGGEST: Final = 512 * 1024
_VERSION: Final = f"{GROUP}/version"
_NUMBER: Final = f"{GROUP}/number"
_CACHED_BYTES: Final = 4 * 1024 * 1024


class Definitions:
    """The definitions of one namespace."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._cache: OrderedDict[str, Definition] = OrderedDict()

    async def put(self, definition: Definition) -> None:
        """Keep a definition; the same again changes nothing.

        Raises:
            StoreRefused: it is too big.
        """
        ref = definition.workflow
        if len(definition.source.encode()) > BIGGEST:
            raise StoreRefused(
                f"workflow `{ref}` has {len(definition.source)} bytes, the limit is {BIGGEST}; "
                "take parts of it into workflows of their own"
            )
        self._remember(definition)
        with translated(f"keeping workflow `{ref}`"):
            if await self._get(definition.workflow.id, ref.digest) is not None:
                return
            number = max((_number(one) for one in await self._all(ref.id)), default=0) + 1
            with suppress(AlreadyExists):
                await self._room.client.create(
                    CONTROLLER_REVISIONS, _body(definition, number), self._room.namespace
                )
        self._room.table.changed.set()

    async def get(self, digest: str) -> Definition | None:
        """Return the definition with that digest."""
        if digest in self._cache:
            self._cache.move_to_end(digest)
            return self._cache[digest]
        selector = f"{ROLE}=definition,{DEFINITION}={names.label(digest[:40])}"
        with translated("reading a definition"):
            async for found in self._room.client.list(
                CONTROLLER_REVISIONS, self._room.namespace, labels=selector
            ):
                definition = _definition(found)
                if definition.workflow.digest == digest:
                    self._remember(definition)
                    return definition
        return None

    async def latest(self, workflow: str, version: int | None) -> Definition | None:
        """Return the definition put last for that version, or for the highest."""
        with translated(f"looking for workflow `{workflow}`"):
            found = [one for one in await self._all(workflow) if version in {None, _version(one)}]
            if not found:
                return None
            last = max(found, key=lambda one: (_version(one), _number(one)))
            try:
                name = last["metadata"]["name"]
                stored = await self._room.client.get(CONTROLLER_REVISIONS, name, self._room.namespace)
            except ApiNotFound:
                return None
        definition = _definition(stored)
        self._remember(definition)
        return definition

    async def _get(self, workflow: str, digest: str) -> dict[str, Any] | None:
        try:
            name = names.revision_name(workflow, digest)
            return await self._room.client.get(CONTROLLER_REVISIONS, name, self._room.namespace)
        except ApiNotFound:
            return None

    async def _all(self, workflow: str) -> list[dict[str, Any]]:
        selector = f"{ROLE}=definition,{WORKFLOW}={names.label(workflow)}"
        every = self._room.client.list(
            CONTROLLER_REVISIONS, self._room.namespace, labels=selector, metadata_only=True
        )
        return [one async for one in every]

    def _remember(self, definition: Definition) -> None:
        self._room.counts(definition.workflow.digest, definition.source)
        self._cache[definition.workflow.digest] = definition
        while sum(len(one.source) for one in self._cache.values()) > _CACHED_BYTES:
            self._cache.popitem(last=False)


def _body(definition: Definition, number: int) -> dict[str, Any]:
    ref = definition.workflow
    return {
        "apiVersion": CONTROLLER_REVISIONS.api_version,
        "kind": CONTROLLER_REVISIONS.kind,
        "metadata": {
            "name": names.revision_name(ref.id, ref.digest),
            "labels": names.labels("definition", definition=ref.digest[:40], workflow=ref.id),
            "annotations": {_VERSION: str(ref.version), _NUMBER: str(number)},
        },
        "revision": number,
        "data": {
            "workflow": ref.id,
            "version": ref.version,
            "digest": ref.digest,
            "source": definition.source,
        },
    }


def _definition(found: dict[str, Any]) -> Definition:
    data = found["data"]
    ref = WorkflowRef(data["workflow"], data["version"], data["digest"])
    return Definition(workflow=ref, source=data["source"])


def _version(found: dict[str, Any]) -> int:
    return int(found["metadata"].get("annotations", {}).get(_VERSION, 0))


def _number(found: dict[str, Any]) -> int:
    return int(found["metadata"].get("annotations", {}).get(_NUMBER, 0))
