"""A supervisor in a container, over an exec stream. Nothing is installed there: its text goes ahead on the stream."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Final

from wfe.executors.runner.errors import AttachRefused, Overtaken
from wfe.executors.runner.streams import Slot
from wfe.supervisor import script
from wfe.supervisor.answers import Answer, Decoder, Hello, ProtocolBroken, Refused, Stale
from wfe.supervisor.link import Link
from wfe.supervisor.pod import without_comments
from wfe.supervisor.protocol import ping

# The text is one line, since only `read` takes just what is meant for it. It is sent, and no argument: proxies before
# an API server cut long addresses.
BOOTSTRAP: Final = 'IFS= read -r text; eval "$(printf %b "$text")"'
_GREETING_SECONDS: Final = 30.0
# Watchers of steps hold the stream open when the supervisor itself is gone, so its silence has to tell.
_TICK_SECONDS: Final = 5.0
_TICKS_QUIET: Final = 6
_ANSWER_SECONDS: Final = 15.0


@lru_cache(maxsize=1)
def supervisor_line() -> bytes:
    """Return the supervisor as the line that BOOTSTRAP reads."""
    text = without_comments(script())
    return text.replace("\\", "\\\\").replace("\n", "\\n").encode() + b"\n"


def bootstrap(*words: str) -> list[str]:
    """Return the program that becomes a supervisor with these arguments."""
    return ["/bin/sh", "-c", BOOTSTRAP, "wfe", *words]


class _Left(Exception):
    """The supervisor has said its last word."""


class ExecSession:
    """Keeps `supervisor.link.Session`'s promise."""

    hello: Hello
    heard_at: datetime

    def __init__(self, slot: Slot, link: Link, now: Callable[[], datetime], gone: Callable[[], None]) -> None:
        self._slot = slot
        self._link = link
        self._now = now
        self._gone = gone
        self._decoder = Decoder()
        self._outgoing = bytearray()
        self._has_outgoing = asyncio.Event()
        self._is_over = False
        self._heard = asyncio.Event()
        self._is_owed = False
        self._greeting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(work, name=f"supervisor {name}")
            for name, work in (("reader", self._read()), ("writer", self._write()), ("pings", self._ping()))
        ]

    async def greet(self) -> None:
        """Send the supervisor and wait for its greeting.

        Raises:
            Overtaken: another one of a higher epoch is there.
            AttachRefused: it does not serve us.
            ConnectionError, TimeoutError: the stream was lost, or nothing is heard.
        """
        self.write(supervisor_line())
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                await self._greeting
        except BaseException:
            await self.close()
            raise

    def write(self, command: bytes) -> None:
        """Send a command."""
        self._outgoing += command
        self._is_owed = True
        self._has_outgoing.set()

    async def close(self) -> None:
        """Hang up; the supervisor ends when its stdin does, the steps do not."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._slot.close()

    def hang_up(self) -> None:
        """Hang up soon; the link hears of it as of any other loss."""
        for task in self._tasks[1:]:
            task.cancel()
        self._tasks[0].cancel()

    async def _read(self) -> None:
        try:
            while data := await self._slot.stream.read():
                self._slot.touch()
                self._is_owed = False
                self._heard.set()
                for answer in self._decoder.feed(data):
                    self._hear(answer)
        except (ProtocolBroken, _Left):
            pass
        finally:
            self._end()
            await self._slot.close()

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while True:
                await self._has_outgoing.wait()
                self._has_outgoing.clear()
                data, self._outgoing = bytes(self._outgoing), bytearray()
                self._slot.touch()
                await self._slot.stream.write(data)

    async def _ping(self) -> None:
        quiet = 0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            quiet += 1
            if not self._is_owed and quiet < _TICKS_QUIET:
                continue
            quiet = 0
            if not await self._is_there():
                self._tasks[0].cancel()
                return

    async def _is_there(self) -> bool:
        self._heard.clear()
        # A ping is no use of the stream: who is quiet otherwise can be hung up on.
        used_at = self._slot.used_at
        self.write(ping("x"))
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._heard.wait()
        except TimeoutError:
            return False
        self._slot.used_at = used_at
        return True

    def _hear(self, answer: Answer) -> None:
        match answer:
            case Hello():
                self.hello, self.heard_at = answer, self._now()
                self._settle(None)
            case Stale(epoch=epoch):
                self._settle(Overtaken(f"a controller of epoch {epoch} is at work"))
                raise _Left
            case Refused(key="-", why=why):
                self._settle(AttachRefused(why))
            case _:
                self._link.hear(answer)

    def _settle(self, error: Exception | None) -> None:
        if self._greeting.done():
            return
        if error is None:
            self._greeting.set_result(None)
        else:
            self._greeting.set_exception(error)

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        stream = self._slot.stream
        said = stream.stderr[-300:].decode(errors="replace").strip()
        was_greeted = self._greeting.done()
        self._settle(ConnectionError(f"the supervisor does not answer ({stream.ended}) {said}"))
        if was_greeted:
            self._gone()
            self._link.lost(self)
