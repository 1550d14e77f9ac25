"""Where the API server is, and how we show who we are."""

import ssl
from dataclasses import dataclass, field

from wfe.kube.credentials import Anonymous, Credentials


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one API server.

    `server` has no slash at its end. `tls` is a context, or True for the default one. `server_name` is what the
    server's certificate must name, where that is not its address.
    """

    server: str
    namespace: str = "default"
    tls: ssl.SSLContext | bool = True
    credentials: Credentials = field(default_factory=Anonymous)
    server_name: str | None = None

    async def headers(self) -> dict[str, str]:
        """Return the headers that authenticate; ask before every request, because tokens rotate."""
        return await self.credentials.headers()
