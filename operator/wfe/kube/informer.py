"""An informer: a cache of a collection that follows it, and notices what a re-list hides."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Generic

import msgspec

from wfe.kube.cache import Cache, Changed, Key, T
from wfe.kube.client import Client, selection
from wfe.kube.errors import ApiError, ApiGone
from wfe.kube.listing import Page, pages
from wfe.kube.resource import Resource
from wfe.kube.transport import Request
from wfe.kube.watching import SILENCE_SECONDS, Bare, Event, Marked, Reader, Unreadable, watch_lines

log = logging.getLogger(__name__)

PAGE: Final = 500
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0


class Informer(Generic[T]):
    """Keeps the newest of each object, from list, watch and our own writes; tells of every change.

    A change is told as (key, before, after): after is None once the object is gone or left the selection, before is
    None when it is new. An object that was deleted and made anew between two looks is told as gone, then new.
    Listeners only note what changed; they must not fail and do not wait.

    An object that cannot be decoded is logged and left out, or left as it was last understood; it stops nothing.

    Args:
        kind: a msgspec struct to decode each object into; only what it names is kept. `metadata.py` has parts.
        namespaces: None for all; else a watch for each.
        labels, fields: server-side selectors.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        kind: type[T],
        *,
        namespaces: Sequence[str] | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> None:
        self._cache: Cache[T] = Cache()
        chosen: Sequence[str | None] = [None] if namespaces is None else list(dict.fromkeys(namespaces))
        self._synced = asyncio.Event()
        self._followers = [
            _Follower(
                client,
                Request("list", resource.plural, "GET", resource.path(namespace), selection(labels, fields)),
                kind,
                self._cache,
                namespace,
                self._note_synced,
            )
            for namespace in chosen
        ]
        if not self._followers:
            self._synced.set()

    def listen(self, changed: Changed[T]) -> Callable[[], None]:
        """Call `changed` for every change from now on; and now for what is there already.

        Returns:
            what ends that: an informer outlives many of those who listen, and would keep them all.
        """
        return self._cache.listen(changed)

    async def run(self) -> None:
        """List and watch until cancelled. Survives every error of the server; backs off with jitter."""
        async with asyncio.TaskGroup() as group:
            for follower in self._followers:
                group.create_task(follower.run(), name=f"follow {follower.name}")

    @property
    def synced(self) -> asyncio.Event:
        """Set once the first list of every namespace has been taken in."""
        return self._synced

    @property
    def age(self) -> float:
        """Seconds since the last word (an event, a bookmark, a list) of the quietest watch, or since it runs."""
        now = asyncio.get_running_loop().time()
        heard = [follower.heard_at for follower in self._followers if follower.heard_at is not None]
        return now - min(heard, default=now)

    def get(self, namespace: str, name: str) -> T | None:
        return self._cache.get((namespace, name))

    def values(self) -> Iterator[T]:
        """Yield what is there; do not wait in between."""
        return self._cache.values()

    def put(self, item: T) -> None:
        """Take in the answer to our own write, unless something newer is known."""
        self._cache.put(item)

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Take note of our own delete; news of the same object that is newer than ours brings it back."""
        known = self._cache.get((namespace, name))
        version = int(known.metadata.resource_version) if known and known.metadata.uid == uid else -1
        self._cache.drop((namespace, name), uid, version)

    def _note_synced(self) -> None:
        if all(follower.synced for follower in self._followers):
            self._synced.set()


class _Follower(Generic[T]):
    """Follows one namespace, or all at once."""

    def __init__(
        self,
        client: Client,
        request: Request,
        kind: type[T],
        cache: Cache[T],
        namespace: str | None,
        note_synced: Callable[[], None],
    ) -> None:
        self.name = request.path
        self.synced = False
        self.heard_at: float | None = None
        self._since = ""
        self._failures = 0
        self._transport = client.transport
        self._request = request
        self._cache = cache
        self._namespace = namespace
        self._note_synced = note_synced
        self._reader = Reader(kind)
        self._raw_page = msgspec.json.Decoder(Page[msgspec.Raw])
        self._page = msgspec.json.Decoder(Page[kind])  # type: ignore[valid-type]  # a type known at run time
        self._item = msgspec.json.Decoder(kind)
        self._bare = msgspec.json.Decoder(Bare)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._hear()
        while True:
            began, wish = loop.time(), 0.0
            try:
                if not self._since:
                    await self._list()
                await self._watch()
            except ApiGone:
                log.info("%s: the watch is too old, listing again", self.name)
                self._since = ""
            except ApiError as error:
                log.warning("%s: %s", self.name, error)
                wish = error.retry_after or 0.0
            except Exception:
                # Whatever a server says must not end the one who listens; a new list starts clean.
                log.exception("%s: following failed", self.name)
                self._since = ""
            else:
                # The server ends every watch after some minutes. One that ends at once is a fault like others.
                if loop.time() - began > LONGEST_PAUSE:
                    continue
            self._failures += 1
            await asyncio.sleep(max(wish, _pause(self._failures)))

    async def _list(self) -> None:
        listed: set[str] = set()
        since = ""
        paged = replace(self._request, params={**dict(self._request.params), "limit": str(PAGE)})
        async for page in pages(self._transport, paged, self._decode_page):
            since = since or page.metadata.resource_version
            for item in page.items or ():
                listed.add(item.metadata.uid)
                if not isinstance(item, Bare):
                    self._cache.put(item)
            self._hear()
        self._cache.keep_only(listed, self._reaches, int(since))
        self._since = since
        self.synced = True
        self._note_synced()

    async def _watch(self) -> None:
        lines = watch_lines(self._transport, self._request, self._since, silence=SILENCE_SECONDS)
        async with aclosing(lines):
            async for line in lines:
                self._since = self._take_in(self._reader.read(line))
                self._failures = 0
                self._hear()

    def _take_in(self, said: Event[T] | Marked | Unreadable) -> str:
        """Bring the cache up to what a line said; return how far the watch is."""
        match said:
            case Event(type="DELETED", object=item):
                self._drop(item)
                return str(item.metadata.resource_version)
            case Event(object=item):
                self._cache.put(item)
                return str(item.metadata.resource_version)
            case Marked(resource_version):
                return resource_version
            case Unreadable(type, bare, why):
                log.warning("%s: %s is not understood: %s", self.name, bare.metadata.name, why)
                if type == "DELETED":
                    self._drop(bare)
                return bare.metadata.resource_version

    def _drop(self, item: T | Bare) -> None:
        metadata = item.metadata
        self._cache.drop((metadata.namespace, metadata.name), metadata.uid, int(metadata.resource_version))

    def _decode_page(self, body: bytes) -> Page[T | Bare]:
        try:
            return self._page.decode(body)
        except msgspec.ValidationError:
            page = self._raw_page.decode(body)
            return Page(page.metadata, [self._decode_item(item) for item in page.items or ()])

    def _decode_item(self, raw: msgspec.Raw) -> T | Bare:
        try:
            return self._item.decode(raw)
        except msgspec.ValidationError as error:
            bare = self._bare.decode(raw)
            log.warning("%s: %s is not understood: %s", self.name, bare.metadata.name, error)
            return bare

    def _reaches(self, key: Key) -> bool:
        return self._namespace is None or key[0] == self._namespace

    def _hear(self) -> None:
        self.heard_at = asyncio.get_running_loop().time()


def _pause(failures: int) -> float:
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - it spreads tries, it keeps no secret
    return spread * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 20))
