"""An informer: a cache of a collection that follows it, and notices what a re-list hides."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from wfe.kube.client import Client
from wfe.kube.resource import Resource


class Metadata(Protocol):
    """What a decoded object must have: attributes of a msgspec struct, named as in JSON by `rename`."""

    namespace: str
    name: str
    uid: str
    resource_version: str


class Held(Protocol):
    """A decoded object, as little of it as its user needs (a partial msgspec struct)."""

    metadata: Any


T = TypeVar("T", bound=Held)
Key = tuple[str, str]  # namespace ("" for cluster-wide kinds) and name
Changed = Callable[[Key, T | None, T | None], None]


class Informer(Generic[T]):
    """Keeps the newest of each object, from list, watch and our own writes; tells of every change.

    A change is told as (key, before, after): after is None once the object is gone or left the selection, before is
    None when it is new. An object that was deleted and made anew between two looks is told as gone, then new.
    Listeners only note what changed; they must not fail and do not wait.

    Args:
        kind: a msgspec struct to decode each object into; only what it names is kept.
        namespaces: None for all; else a watch for each.
        labels, fields: server-side selectors.
    """

    def __init__(  # noqa: PLR0913
        self,
        client: Client,
        resource: Resource,
        kind: type[T],
        *,
        namespaces: Sequence[str] | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> None:
        raise NotImplementedError

    def listen(self, changed: Changed[T]) -> None:
        """Call `changed` for every change from now on; and now for what is there already."""
        raise NotImplementedError

    async def run(self) -> None:
        """List and watch until cancelled. Survives every error of the server; backs off with jitter."""
        raise NotImplementedError

    @property
    def synced(self) -> asyncio.Event:
        """Set once the first list of every namespace has been taken in."""
        raise NotImplementedError

    @property
    def age(self) -> float:
        """Seconds since the last word (an event, a bookmark, a list) of the quietest watch."""
        raise NotImplementedError

    def get(self, namespace: str, name: str) -> T | None:
        raise NotImplementedError

    def values(self) -> Iterator[T]:
        raise NotImplementedError

    def put(self, item: T) -> None:
        """Take in the answer to our own write, unless something newer is known."""
        raise NotImplementedError

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Take note of our own delete."""
        raise NotImplementedError
