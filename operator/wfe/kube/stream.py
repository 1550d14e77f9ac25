"""An exec stream: a program in a container, over a WebSocket (v5.channel.k8s.io, else v4).

A frame's first byte is its channel. One task takes frames in and stops while nobody reads, so that a slow reader
holds the program up and memory stays bounded. Silence is broken by pings, because balancers cut quiet connections;
they are judged here rather than by aiohttp, which would take our own pause for the server's death.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec

from wfe.errors import Permanent

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, OUTCOME = b"\0", 1, 2, 3
CLOSE_STDIN: Final = b"\xff\0"

PIECE: Final = 64 * 1024
HELD: Final = 256 * 1024
STDERR_KEPT: Final = 8 * 1024
PING_SECONDS: Final = 20.0
# Pings are counted rather than seconds: when this process itself stood still, answers wait to be read. Fewer would
# count a program against us that leaves its stdin full for a while.
UNANSWERED_PINGS: Final = 3
# What a program's children still print after its end is waited for, but not for ever.
LINGER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ExecEnded:
    """How a stream ended. `code` is the program's exit code; None: it did not start, as `message` then says, or the
    stream was lost and nobody knows.
    """

    code: int | None
    message: str = ""


class CannotHalfClose(Permanent):
    """The server speaks v4, in which stdin cannot be closed alone."""


class _Cause(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct, frozen=True):
    causes: list[_Cause] | None = None


class _Outcome(msgspec.Struct, frozen=True):
    """What the third channel says at the end."""

    status: str = ""
    message: str = ""
    details: _Details | None = None


class ExecStream:
    """One conversation. A lost stream says nothing about the program, which may live on."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[Any],
        *,
        ping_seconds: float = PING_SECONDS,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._socket = socket
        self._ping_seconds = ping_seconds
        self._linger_seconds = linger_seconds
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._stderr = b""
        self._outcome: ExecEnded | None = None
        self._leave_at: float | None = None
        self._ended: ExecEnded | None = None
        self._paused = False
        self._unanswered = 0
        self._came = asyncio.Event()
        self._taken = asyncio.Event()
        self._pump = asyncio.create_task(self._take_in(), name="exec")
        self._pinger = asyncio.create_task(self._ping(), name="exec pings")

    async def write(self, data: bytes) -> None:
        """Send to stdin; waits while the other side does not take it. ConnectionError once it has ended."""
        for start in range(0, len(data), PIECE):
            await self._send(STDIN + data[start : start + PIECE])

    async def close_stdin(self) -> None:
        """Tell the program that no more will come; its output can still be read.

        Raises:
            CannotHalfClose: the server does not know how.
        """
        if self._socket.protocol != PROTOCOLS[0]:
            raise CannotHalfClose(
                f"stdin cannot be closed alone over {self._socket.protocol or 'no protocol'}"
            )
        await self._send(CLOSE_STDIN)

    async def read(self) -> bytes:
        """Return what stdout has next; b"" once the stream has ended."""
        while not self._pieces:
            if self._ended is not None:
                return b""
            self._came.clear()
            await self._came.wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        self._taken.set()
        return piece

    @property
    def stderr(self) -> bytes:
        """The last 8 KiB of stderr."""
        return self._stderr

    @property
    def ended(self) -> ExecEnded | None:
        """How it ended, once it has; what it printed may still be there to read."""
        return self._ended

    async def close(self) -> None:
        """Hang up; harmless twice. What was not read is dropped."""
        self._pump.cancel()
        self._pinger.cancel()
        await asyncio.gather(self._pump, self._pinger, return_exceptions=True)
        self._pieces.clear()
        self._end("hung up")
        await self._socket.close()

    async def _send(self, frame: bytes) -> None:
        if self._ended is not None or self._outcome is not None:
            raise ConnectionError(f"the exec stream has ended: {self._ended or self._outcome}")
        try:
            await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, RuntimeError) as error:
            raise ConnectionError(f"the exec stream is lost: {error}") from error

    async def _take_in(self) -> None:
        said = ""
        try:
            while said == "":
                said = await self._take_one()
        except (aiohttp.ClientError, OSError) as error:
            said = str(error) or type(error).__name__
        self._pinger.cancel()
        self._end(said)
        await self._socket.close()

    async def _take_one(self) -> str:
        """Take a frame in; return why there will be no more, or nothing."""
        while self._held >= HELD:
            self._paused = True
            self._taken.clear()
            await self._taken.wait()
        self._paused = False
        try:
            async with asyncio.timeout_at(self._leave_at):
                message = await self._socket.receive()
        except TimeoutError:
            return "the program's children still hold its output"
        self._unanswered = 0
        match message.type:
            case aiohttp.WSMsgType.BINARY if message.data:
                self._sort(message.data[0], message.data[1:])
            case aiohttp.WSMsgType.PING:
                await self._socket.pong(message.data)
            case aiohttp.WSMsgType.CLOSE | aiohttp.WSMsgType.CLOSING | aiohttp.WSMsgType.CLOSED:
                return f"the connection was closed ({message.data or ''} {message.extra or ''})"
            case aiohttp.WSMsgType.ERROR:
                return f"the connection is lost: {message.data}"
        return ""

    def _sort(self, channel: int, data: bytes) -> None:
        if channel == STDOUT and data:
            self._pieces.append(data)
            self._held += len(data)
            self._came.set()
        elif channel == STDERR:
            self._stderr = (self._stderr + data)[-STDERR_KEPT:]
        elif channel == OUTCOME:
            self._outcome = _read_outcome(data)
            self._leave_at = asyncio.get_running_loop().time() + self._linger_seconds

    def _end(self, why: str) -> None:
        if self._ended is None:
            self._ended = self._outcome or ExecEnded(None, why)
        self._came.set()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._ping_seconds)
            if self._paused:
                # Nobody listens on our side, so nothing can be heard.
                self._unanswered = 0
            elif self._unanswered >= UNANSWERED_PINGS:
                self._pump.cancel()
                self._end(f"{UNANSWERED_PINGS} pings were not answered")
                await self._socket.close()
                return
            self._unanswered += 1
            with suppress(aiohttp.ClientError, RuntimeError):
                await self._socket.ping()


def _read_outcome(data: bytes) -> ExecEnded:
    try:
        said = msgspec.json.decode(data, type=_Outcome)
    except msgspec.DecodeError:
        return ExecEnded(None, data[:300].decode(errors="replace"))
    if said.status == "Success":
        return ExecEnded(0)
    causes: Mapping[str, str] = {
        cause.reason: cause.message for cause in (said.details and said.details.causes) or ()
    }
    code = causes.get("ExitCode", "")
    return ExecEnded(int(code) if code.isdigit() else None, said.message)
