"""What runs in containers: programs over exec streams, and logs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import WSMsgType, web

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
PIECE: Final = 32 * 1024


class Session:
    """One exec, as the program sees it.

    A program returns its exit code. One that raises ConnectionError loses the stream, as when a node dies.
    """

    def __init__(self, argv: Sequence[str], socket: web.WebSocketResponse) -> None:
        self.argv = list(argv)
        self._socket = socket
        self._at_end = False

    async def read(self) -> bytes:
        """Return what came on stdin; b"" once it was closed or the client hung up."""
        while not self._at_end:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY or message.data[:1] == b"\xff":
                self._at_end = True
            elif message.data[:1] == b"\0" and len(message.data) > 1:
                return bytes(message.data[1:])
        return b""

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield stdin by lines, without their ends."""
        rest = b""
        while data := await self.read():
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line

    async def write(self, data: bytes) -> None:
        """Print to stdout."""
        for start in range(0, len(data), PIECE):
            await self._socket.send_bytes(b"\x01" + data[start : start + PIECE])

    async def complain(self, data: bytes) -> None:
        """Print to stderr."""
        await self._socket.send_bytes(b"\x02" + data)


Program = Callable[[Session], Awaitable[int]]
Print = Callable[[bytes], Awaitable[None]]
Log = Callable[[Print, bool], Awaitable[None]]


@dataclass
class Containers:
    """Programs and logs by pod and container; a pod of None stands for every pod."""

    protocols: Sequence[str] = (V5, V4)

    def __post_init__(self) -> None:
        self._programs: dict[tuple[str | None, str], Program] = {}
        self._logs: dict[tuple[str | None, str], Log] = {}
        self._open: set[web.WebSocketResponse] = set()

    def runs(self, pod: str | None, container: str, program: Program) -> None:
        """Have this program answer every exec into the container."""
        self._programs[pod, container] = program

    def prints(self, pod: str | None, container: str, log: bytes | Log) -> None:
        """Have this as the container's log; a function is given how to print, and whether the reader follows."""
        self._logs[pod, container] = _printed(log) if isinstance(log, bytes) else log

    def program(self, pod: str, container: str) -> Program | None:
        return self._programs.get((pod, container)) or self._programs.get((None, container))

    def log(self, pod: str, container: str) -> Log | None:
        return self._logs.get((pod, container)) or self._logs.get((None, container))

    def drop(self) -> None:
        """Cut all streams, without a word."""
        for socket in list(self._open):
            _cut(socket)

    async def run(self, request: web.Request, program: Program) -> web.WebSocketResponse:
        """Hold the conversation."""
        socket = web.WebSocketResponse(protocols=self.protocols, max_msg_size=0)
        await socket.prepare(request)
        self._open.add(socket)
        try:
            code = await program(Session(request.query.getall("command", []), socket))
        except ConnectionError:
            _cut(socket)
        else:
            await socket.send_bytes(b"\x03" + json.dumps(_outcome(code)).encode())
            await socket.close()
        finally:
            self._open.discard(socket)
        return socket


def _printed(text: bytes) -> Log:
    async def printing(print_: Print, _follow: bool) -> None:
        await print_(text)

    return printing


def _cut(socket: web.WebSocketResponse) -> None:
    transport: asyncio.Transport | None = socket._req.transport if socket._req else None  # noqa: SLF001
    if transport is not None:
        transport.abort()


def _outcome(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
