"""The newest of each object, from lists, watches and our own writes, which overtake each other."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

log = logging.getLogger(__name__)

REMEMBERED_GONE: Final = 10_000


class Metadata(Protocol):
    """What a decoded object must have: attributes of a msgspec struct, named as in JSON by `rename`."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def resource_version(self) -> str: ...


class Held(Protocol):
    """A decoded object, as little of it as its user needs (a partial msgspec struct); see `Metadata`."""

    @property
    def metadata(self) -> Any: ...


T = TypeVar("T", bound=Held)
Key = tuple[str, str]  # namespace ("" for cluster-wide kinds) and name
Changed = Callable[[Key, T | None, T | None], None]


class Cache(Generic[T]):
    """Objects by key, and listeners to their changes.

    Versions of one object are compared as integers and the newer is kept, wherever it comes from. What has gone is
    remembered for a while: an answer to our own write may come after the news that it made the object leave.
    """

    def __init__(self, *, remember: int = REMEMBERED_GONE) -> None:
        self._remembered = remember
        self._items: dict[Key, T] = {}
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._listeners: list[Changed[T]] = []

    def listen(self, changed: Changed[T]) -> Callable[[], None]:
        """Call it for what is there, and for every change, until what is returned is called."""
        self._listeners.append(changed)
        for key, item in list(self._items.items()):
            self._call(changed, key, None, item)

        def stop() -> None:
            if changed in self._listeners:
                self._listeners.remove(changed)

        return stop

    def get(self, key: Key) -> T | None:
        return self._items.get(key)

    def values(self) -> Iterator[T]:
        return iter(self._items.values())

    def put(self, item: T) -> None:
        """Take an object in, unless something newer is known."""
        metadata = item.metadata
        key, version = (metadata.namespace, metadata.name), int(metadata.resource_version)
        if version <= self._gone.get(metadata.uid, -1):
            return
        before = self._items.get(key)
        if before is not None and before.metadata.uid != metadata.uid:
            if int(before.metadata.resource_version) >= version:
                return
            self._remove(key, before, version)
            before = None
        elif before is not None and int(before.metadata.resource_version) >= version:
            return
        self._items[key] = item
        self._tell(key, before, item)

    def drop(self, key: Key, uid: str, version: int) -> None:
        """Take note that an object of that uid was gone at that version."""
        before = self._items.get(key)
        if before is None or before.metadata.uid != uid:
            self._remember(uid, version)
        elif int(before.metadata.resource_version) <= version:
            self._remove(key, before, version)

    def keep_only(self, listed: Collection[str], within: Callable[[Key], bool], version: int) -> None:
        """Drop what a list of that version does not have (by uid), among the keys `within` its reach.

        What is newer than the list is kept: it may not have known it yet.
        """
        for key, item in list(self._items.items()):
            if item.metadata.uid not in listed and within(key):
                self.drop(key, item.metadata.uid, version)

    def _remove(self, key: Key, before: T, version: int) -> None:
        del self._items[key]
        self._remember(before.metadata.uid, version)
        self._tell(key, before, None)

    def _remember(self, uid: str, version: int) -> None:
        self._gone[uid] = max(version, self._gone.pop(uid, -1))
        if len(self._gone) > self._remembered:
            self._gone.popitem(last=False)

    def _tell(self, key: Key, before: T | None, after: T | None) -> None:
        for listener in tuple(self._listeners):
            self._call(listener, key, before, after)

    def _call(self, listener: Changed[T], key: Key, before: T | None, after: T | None) -> None:
        try:
            listener(key, before, after)
        except Exception:
            log.exception("a listener failed on %s", key)
