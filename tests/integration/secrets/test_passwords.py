"""The password of a server is in no error, its causes included, nor in what libraries log on the way there."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import pytest

from wfe.errors import WfeError
from wfe.providers import find

PASSWORD = "s3rver%2Fp4ss%25w0rd"
URLS = {
    "postgres": f"postgres://us3r:{PASSWORD}@127.0.0.1:{{port}}/d",
    "opensearch": f"http://us3r:{PASSWORD}@127.0.0.1:{{port}}?timeout=1s",
    "valkey": f"redis://us3r:{PASSWORD}@127.0.0.1:{{port}}?timeout=1",
}


@asynccontextmanager
async def _server(kind: str) -> AsyncIterator[int]:
    """Yield the port of a server that is no help."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind == "refuses":
            await reader.read(1)
            writer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        if kind == "gone":
            server.close()
        yield port


@pytest.mark.parametrize("kind", ["gone", "hangs-up", "refuses"])
@pytest.mark.parametrize("name", URLS)
async def test_nobody_reads_the_password_of_a_server(
    caplog: pytest.LogCaptureFixture, name: str, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    async with _server(kind) as port:
        provider = find(URLS[name].format(port=port))
        with pytest.raises(WfeError, match=r"127\.0\.0\.1") as refused:
            await (provider.mirror or provider).open()
    said = "".join(traceback.format_exception(refused.value)) + repr(provider) + caplog.text
    assert PASSWORD not in said
    assert unquote(PASSWORD) not in said
