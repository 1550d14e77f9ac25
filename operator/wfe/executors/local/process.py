"""The child process of one supervisor: bytes in, answers out, its end noticed at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Self, cast

from wfe.supervisor.answers import Answer, Decoder, Hello, ProtocolBroken, Refused
from wfe.supervisor.link import Link
from wfe.supervisor.protocol import VERSION

_MESSAGES_LIMIT: Final = 1 << 20
_PATIENCE_SECONDS: Final = 10.0


class SupervisorProcess(asyncio.SubprocessProtocol):
    """A session of a link; it knows the meaning of a greeting, and hands all else on.

    Steps' watchers hold the same pipe, so its end says nothing about the supervisor; the process's end does.
    """

    hello: Hello
    heard_at: datetime

    def __init__(self, link: Link, now: Callable[[], datetime]) -> None:
        self._link = link
        self._now = now
        self._decoder = Decoder()
        self._transport: asyncio.SubprocessTransport | None = None
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.refusal: str | None = None

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        directory: Path,
        env: Mapping[str, str],
        link: Link,
        now: Callable[[], datetime],
    ) -> Self:
        """Start it in a session of its own, so that a Ctrl-C meant for the engine does not reach it."""
        with _messages(directory) as messages:
            _, protocol = await asyncio.get_running_loop().subprocess_exec(
                lambda: cls(link, now),
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=messages,
                cwd=directory,
                env=dict(env),
                start_new_session=True,
            )
        return protocol

    def write(self, command: bytes) -> None:
        """Send a command; to one that is gone it is lost, and asked again by whoever hears of that."""
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        if pipe is not None and not pipe.is_closing():
            cast(asyncio.WriteTransport, pipe).write(command)

    async def close(self) -> None:
        """Close its stdin, on which it ends by itself, and wait for that."""
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        if pipe is not None:
            pipe.close()
        await asyncio.wait([self.exited], timeout=_PATIENCE_SECONDS)
        self.release()

    def release(self) -> None:
        """Give up the pipes; a process that still lives is killed, the steps are not."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:  # noqa: ARG002
        assert isinstance(data, bytes)  # noqa: S101  # the typeshed is wider than asyncio
        try:
            for answer in self._decoder.feed(data):
                self._hear(answer)
        except ProtocolBroken:
            self.release()

    def process_exited(self) -> None:
        self.exited.set_result(None)
        self.release()
        self._link.lost(self)

    def _hear(self, answer: Answer) -> None:
        match answer:
            case Hello(version=version):
                if version == VERSION:
                    self.hello, self.heard_at = answer, self._now()
                    self.ready.set_result(None)
            case Refused(key="-", why=why):
                self.refusal = why
            case _:
                self._link.hear(answer)


def _messages(directory: Path) -> BinaryIO:
    """Open where shells write what they think, which is of use only when something is wrong."""
    path = directory / ".supervisor" / "messages"
    is_large = path.exists() and path.stat().st_size > _MESSAGES_LIMIT
    return path.open("wb" if is_large else "ab")
