"""One namespace of a cluster, opened for one command. This module imports aiohttp, so verbs import it when they run."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from wfe.definition import graph_from_source
from wfe.hosts.cli.cluster.place import Place
from wfe.hosts.cli.cluster.refusals import Asked, in_words, is_missing_object, no_access
from wfe.kube import Access, AccessUnclear, ApiNotFound, Client, Informer, find_access
from wfe.kube.client import Object
from wfe.providers.customresource import (
    INSTANCES,
    WORKFLOW_EVENTS,
    WORKFLOWS,
    CustomResourceStore,
    EventObject,
    InstanceObject,
)
from wfe.providers.customresource.names import ID
from wfe.runtime.definitions import Definitions

T = TypeVar("T")
MANAGER: Final = "wfe-cli"
PATIENCE_SECONDS: Final = 3.0
_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Room:
    """What a command works with: the client, and the store that the operator of this namespace keeps.

    `known` are the ids of instances that the store has been told where to find.
    """

    client: Client
    asked: Asked
    store: CustomResourceStore
    definitions: Definitions
    known: set[str] = field(default_factory=set)

    @property
    def namespace(self) -> str:
        return self.asked.namespace

    @property
    def place(self) -> Place:
        return self.asked.place

    async def instance(self, name: str) -> Object:
        """Return an instance's object, by its name or id.

        Raises:
            NotFound: there is none.
        """
        try:
            return await self.client.get(INSTANCES, name, self.namespace)
        except ApiNotFound as error:
            found = await self._by_id(name) if is_missing_object(error) and _ID.fullmatch(name) else None
            if found is None:
                raise
            return found

    async def _by_id(self, instance: str) -> Object | None:
        """Return the object of an instance that the operator or a user made; a user's has its id as uid."""
        async for found in self.client.list(INSTANCES, self.namespace, labels=f"{ID}={instance}"):
            return found
        async for found in self.client.list(INSTANCES, self.namespace, metadata_only=True):
            if found["metadata"]["uid"] == instance:
                return await self.client.get(INSTANCES, found["metadata"]["name"], self.namespace)
        return None

    async def workflow(self, name: str) -> Object:
        """Return a workflow's object.

        Raises:
            NotFound: there is none.
        """
        return await self.client.get(WORKFLOWS, name, self.namespace)


def in_room(place: Place, work: Callable[[Room], Awaitable[T]]) -> T:
    """Do something in the namespace that a place names.

    Raises:
        WfeError: it cannot be done; the text says why, and the way out.
    """
    return asyncio.run(_in_room(place, work))


def namespace_of(place: Place) -> str:
    """Return the namespace that a place names; no cluster is asked.

    Raises:
        Refused: neither its user nor a kubeconfig names one.
    """
    return place.namespace or _access(place).namespace


def _access(place: Place) -> Access:
    try:
        return find_access(
            kubeconfig=Path(place.kubeconfig) if place.kubeconfig else None, context=place.context
        )
    except AccessUnclear as error:
        raise no_access(error) from error


async def _in_room(place: Place, work: Callable[[Room], Awaitable[T]]) -> T:
    access = _access(place)
    asked = Asked(access.server, place.namespace or access.namespace, place)
    client = Client(access, user_agent=MANAGER, patience=PATIENCE_SECONDS)
    with in_words(asked):
        await client.open()
        try:
            return await work(room_of(client, asked))
        finally:
            await client.close()


def room_of(client: Client, asked: Asked) -> Room:
    """Return the room of a client that is open."""
    namespaces = [asked.namespace]
    # A command reads what it needs when it needs it: these informers hear nothing, and the store asks the server.
    store = CustomResourceStore(
        client,
        asked.namespace,
        instances=Informer(client, INSTANCES, InstanceObject, namespaces=namespaces),
        events=Informer(client, WORKFLOW_EVENTS, EventObject, namespaces=namespaces),
        identity=MANAGER,
    )
    return Room(client, asked, store, Definitions(store, graph_from_source))
