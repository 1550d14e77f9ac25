"""An OpenSearch server: search and logs for hosts on many machines. `https://USER:PASSWORD@HOST:9200?prefix=wfe-`

What it keeps is a copy: instances are in the store, and what steps wrote is where they ran until it is kept here.
`address` has the options of the URL, `templates` the indices.
"""

from wfe.ports.provider import Provider
from wfe.providers.opensearch.address import Address, parsed
from wfe.providers.opensearch.errors import OpenSearchUnusable
from wfe.providers.opensearch.logs import OpenSearchLogs
from wfe.providers.opensearch.schema import migrate
from wfe.providers.opensearch.search import OpenSearchSearch
from wfe.providers.opensearch.server import Server

__all__ = [
    "Address",
    "OpenSearchLogs",
    "OpenSearchProvider",
    "OpenSearchSearch",
    "OpenSearchUnusable",
    "from_url",
]


class OpenSearchProvider(Provider):
    """The search and the logs of one server and prefix."""

    def __init__(self, address: Address) -> None:
        self._server = Server(address)
        self.search: OpenSearchSearch = OpenSearchSearch(self._server)
        self.logs: OpenSearchLogs = OpenSearchLogs(self._server)

    async def open(self) -> None:
        """Connect, and bring the index templates up to date."""
        if not self._server.is_open:
            await self._server.open(migrate)

    async def close(self) -> None:
        await self._server.close()


def from_url(url: str) -> OpenSearchProvider:
    """Return the provider; nothing is connected yet.

    Raises:
        ValueError: the URL is not understood; the text goes on after the URL.
    """
    return OpenSearchProvider(parsed(url))
