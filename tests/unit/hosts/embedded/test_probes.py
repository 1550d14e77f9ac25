import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from wfe.hosts.embedded.probes import answers_http, takes_connections

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(handle: Handler) -> AsyncIterator[int]:
    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(handled, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    await writer.drain()


async def drops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


def answering(line: bytes) -> Handler:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(line + b"\r\n\r\n")
        await writer.drain()

    return answers


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        pytest.param(waits, True, id="waits-for-us"),
        pytest.param(greets, True, id="speaks-first"),
        pytest.param(drops, False, id="a-proxy-with-nobody-behind-it"),
    ],
)
def test_a_port_is_ready_when_it_keeps_a_connection(handle: Handler, expected: bool) -> None:
    async def asked() -> bool:
        async with a_server(handle) as port:
            return await takes_connections(port)

    assert asyncio.run(asked()) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"HTTP/1.1 204 No Content", True, id="2xx"),
        pytest.param(b"HTTP/1.1 503 Not Yet", False, id="5xx"),
        pytest.param(b"220 mail", False, id="no-http"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_a_url_is_ready_when_it_answers_with_2xx(line: bytes, expected: bool) -> None:
    async def asked() -> bool:
        async with a_server(answering(line)) as port:
            return await answers_http(port, "/health")

    assert asyncio.run(asked()) is expected


def test_where_nobody_listens_nothing_is_ready() -> None:
    async def asked() -> list[bool]:
        async with a_server(waits) as port:
            pass
        return [await takes_connections(port), await answers_http(port, "/")]

    assert asyncio.run(asked()) == [False, False]
