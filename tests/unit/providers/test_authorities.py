"""The certificate authority that an environment names for a server is the one that is trusted there, and no other."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.unit.kube.certificates import made_in
from wfe.hosts.kubernetes.servers import VARIABLES, read_servers
from wfe.providers import find

URLS = {
    "postgres": "postgres://u@127.0.0.1:{port}/d",
    "opensearch": "https://127.0.0.1:{port}?timeout=60s",
    "valkey": "rediss://127.0.0.1:{port}?timeout=60",
}
POSTGRES_ASKS_FOR_TLS = 8  # bytes: the message SSLRequest


class Server:
    """Tells whether the first that comes speaks to it through TLS, or hangs up when it sees the certificate."""

    def __init__(self, tls: ssl.SSLContext, *, asks: int) -> None:
        self._tls = tls
        self._asks = asks
        self.is_trusted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Yield the port."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = b""
        with suppress(OSError, EOFError):
            if self._asks:
                await reader.readexactly(self._asks)
                writer.write(b"S")
            await writer.start_tls(self._tls)
            said = await reader.read(1)
        if not self.is_trusted.done():
            self.is_trusted.set_result(bool(said))
        writer.close()


@pytest.mark.parametrize("trusted", [True, False], ids=["its-own", "another"])
@pytest.mark.parametrize("name", URLS)
async def test_a_server_is_spoken_to_if_the_authority_vouches_for_it(
    tmp_path: Path, name: str, trusted: bool
) -> None:
    certificate, key = made_in(tmp_path, "server", "IP:127.0.0.1")
    other, _ = made_in(tmp_path, "other", "IP:127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = Server(tls, asks=POSTGRES_ASKS_FOR_TLS if name == "postgres" else 0)
    async with server.serving() as port:
        variables = VARIABLES[name]
        authority = str(certificate if trusted else other)
        servers = read_servers({variables.url: URLS[name].format(port=port), variables.ca: authority})
        provider = find(getattr(servers, name).get_secret_value())
        opening = asyncio.create_task((provider.mirror or provider).open())
        assert await server.is_trusted == trusted
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
