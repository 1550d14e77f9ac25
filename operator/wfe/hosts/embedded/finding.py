"""What is asked of the copies of a host: its search, and the logs that are kept."""

from collections.abc import Mapping

from wfe.errors import Permanent
from wfe.hosts.wiring.engine_room import EngineRoom
from wfe.ports.logs import LogPage, LogQuery
from wfe.ports.search import SearchPage, SearchQuery
from wfe.runtime.copies.lag import Lag


class NotKept(Permanent):
    """The host keeps no copy that could be asked."""


class Finding:
    """The part of a host that finds instances by words, and lines of logs."""

    _room: EngineRoom

    async def search(self, query: SearchQuery) -> SearchPage:
        """Return instances by the words in them, newest first, as of about a second ago.

        Raises:
            NotKept: the host has no search.
            StoreUnavailable: it cannot be reached.
        """
        search = self._room.copies.search
        if search is None:
            raise NotKept('this host has no search; give it one, as in `search="sqlite:search.db"`')
        return await search.find(query)

    async def search_logs(self, query: LogQuery) -> LogPage:
        """Return what steps of all instances wrote, oldest first, as of about a second ago.

        Raises:
            NotKept: the host keeps no logs.
            StoreUnavailable: they cannot be reached.
        """
        logs = self._room.copies.logs
        if logs is None:
            raise NotKept('this host keeps no logs to search; give it a place, as in `logs="files:logs"`')
        return await logs.search(query)

    def lags(self) -> Mapping[str, Lag]:
        """Return how far `search` and `logs` are behind, as far as the host has them."""
        return self._room.copies.lags()
