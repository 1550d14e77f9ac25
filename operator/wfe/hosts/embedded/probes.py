"""Whether something on this machine answers."""

import asyncio
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.1"
ANSWER_SECONDS: Final = 5.0
# A proxy in front of a container takes any connection, and drops it at once when nobody listens behind it.
DROPPED_SECONDS: Final = 0.2


async def takes_connections(port: int) -> bool:
    """Say whether a port takes connections and keeps them."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
    except (OSError, TimeoutError):
        return False
    try:
        async with asyncio.timeout(DROPPED_SECONDS):
            return await reader.read(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        await _close(writer)


async def answers_http(port: int, path: str) -> bool:
    """Say whether a GET is answered with 2xx."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                words = (await reader.readline()).split()
            finally:
                await _close(writer)
    except (OSError, TimeoutError, ValueError):
        return False
    return len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].startswith(b"2")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
