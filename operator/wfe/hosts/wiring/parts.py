"""Which provider is which part of a host: any pairing works, or is refused with a sentence."""

from collections.abc import Callable, Sequence
from datetime import datetime

from wfe.hosts.wiring.departed import WithoutTheDead
from wfe.ports.leases import Leases
from wfe.ports.logs import LogStore
from wfe.ports.provider import Provider
from wfe.ports.queue import Queue
from wfe.ports.search import Search
from wfe.ports.store import Store
from wfe.providers import UrlInvalid, find


class Parts:
    """The parts of one host. One URL is one provider, whatever it is used for.

    Args:
        store: URL of the store, which brings every other part that no URL is given for.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._providers: dict[str, Provider] = {}
        self._copies: dict[str, Provider] = {}

    @property
    def used(self) -> Sequence[Provider]:
        """Return every provider that is some part but for copies, the store's first."""
        return list(self._providers.values())

    @property
    def copies(self) -> Sequence[Provider]:
        """Return the providers that keep copies and nothing else: a host does without them for a while."""
        return [provider for url, provider in self._copies.items() if url not in self._providers]

    def store(self) -> Store:
        """Return the store.

        Raises:
            UrlInvalid: the technology keeps no instances.
        """
        found = self._provider(None).store
        if found is None:
            raise UrlInvalid(
                f"`{_scheme(self._store)}:` keeps no instances; use `sqlite:PATH` or `postgres://…` as the store"
            )
        return found

    def leases(self, url: str | None, holder: str, *, now: Callable[[], datetime]) -> Leases:
        """Return the leases of that holder.

        Raises:
            UrlInvalid: the technology has none, or nobody else on the store would see them.
        """
        self._require_seen(url, "locks")
        provider = self._provider(url)

        def leases_of(name: str) -> Leases:
            found = provider.leases(name, now=now)
            if found is None:
                raise UrlInvalid(
                    f"`{_scheme(url or self._store)}:` has no leases; use the store's own, or `redis://…` as the locks"
                )
            return found

        return WithoutTheDead(leases_of, holder)

    def queue(self, url: str | None, *, now: Callable[[], datetime]) -> Queue | None:
        """Return the queue; None if none was asked for and the store brings none.

        Raises:
            UrlInvalid: one was asked for, and the technology has none, or nobody else on the store would see it.
        """
        self._require_seen(url, "queue")
        found = self._provider(url).queue(now=now)
        if found is None and url is not None:
            raise UrlInvalid(
                f"`{_scheme(url)}:` has no queue; use the store's own, or `redis://…` as the queue"
            )
        return found

    def search(self, url: str | None) -> Search | None:
        """Return the search; None if none was asked for. To be asked for after all that is no copy.

        Raises:
            UrlInvalid: one was asked for, and the technology has none.
        """
        if url is None:
            return None
        found = self._copy(url).search
        if found is None:
            raise UrlInvalid(
                f"`{_scheme(url)}:` has no search; use `https://…` (OpenSearch) or `sqlite:PATH` as the search"
            )
        return found

    def logs(self, url: str | None) -> LogStore | None:
        """Return the keeper of logs; None if none was asked for. To be asked for after all that is no copy.

        Raises:
            UrlInvalid: one was asked for, and the technology keeps none.
        """
        if url is None:
            return None
        found = self._copy(url).logs
        if found is None:
            raise UrlInvalid(
                f"`{_scheme(url)}:` keeps no logs; use `https://…` (OpenSearch), `files:DIRECTORY` or "
                "`sqlite:PATH` for the logs"
            )
        return found

    def _require_seen(self, url: str | None, part: str) -> None:
        if url is not None and is_of_one_process(url) and not is_of_one_process(self._store):
            raise UrlInvalid(
                f"`{url}` is seen by one process alone, and `{_scheme(self._store)}:` by others too; use the store's "
                f"own, or `redis://…` as the {part}"
            )

    def _copy(self, url: str) -> Provider:
        if url not in self._copies:
            self._copies[url] = self._providers.get(url) or find(url)
        return self._copies[url]

    def _provider(self, url: str | None) -> Provider:
        wanted = url or self._store
        if wanted not in self._providers:
            self._providers[wanted] = find(wanted)
        return self._providers[wanted]


def is_of_one_process(url: str) -> bool:
    """Tell whether no other process can see what is kept there."""
    return _scheme(url) == "memory"


def _scheme(url: str) -> str:
    return url.partition(":")[0]
