"""Bytes of logs, asked for piece by piece on a stream of their own, so that no outcome waits behind them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from wfe.errors import WfeError
from wfe.executors.runner.session import supervisor_line
from wfe.executors.runner.streams import Slot
from wfe.supervisor import protocol

BLOCKS: Final = 64
_IDLE_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Asked:
    command: Callable[[str], bytes]
    answer: asyncio.Future[bytes]


class LogChannel:
    """Opened when first needed, hung up when nobody has asked for a while.

    Args:
        open_: begins a stream to a container's `logs`; what it raises is the answer to all that is asked.
    """

    def __init__(self, open_: Callable[[Callable[[], None]], Awaitable[Slot]]) -> None:
        self._open = open_
        self._asked: deque[_Asked] = deque()
        self._unsent: deque[_Asked] = deque()
        self._wanted = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._slot: Slot | None = None

    async def fetch(self, key: str, stream: str, block: int) -> bytes:
        """Return up to BLOCKS blocks of a stream, as much as there is.

        Raises:
            WfeError: it cannot be had any more.
        """
        return await self._ask(lambda word: protocol.log(key, stream, block, BLOCKS, word))

    async def written(self) -> frozenset[str]:
        """Return the keys of all steps that wrote something and have not been acknowledged.

        Raises:
            WfeError: it cannot be had any more.
        """
        return frozenset((await self._ask(protocol.written)).decode("ascii", "replace").split())

    async def _ask(self, command: Callable[[str], bytes]) -> bytes:
        asked = _Asked(command, asyncio.get_running_loop().create_future())
        self._unsent.append(asked)
        self._wanted.set()
        self.open_early()
        return await asked.answer

    def open_early(self) -> None:
        """Begin the stream although nobody asked yet."""
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._converse(), name="logs")

    async def close(self) -> None:
        """Hang up."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        if self._slot is not None:
            await self._slot.close()

    async def _converse(self) -> None:
        try:
            while await self._session():
                # What was not answered is asked again of the next stream.
                self._unsent.extendleft(reversed(self._asked))
                self._asked.clear()
        except WfeError as error:
            for asked in (*self._asked, *self._unsent):
                if not asked.answer.done():
                    asked.answer.set_exception(error)
            self._asked.clear()
            self._unsent.clear()

    async def _session(self) -> bool:
        """Hold one conversation; return whether there is anything left to ask."""
        slot = self._slot = await self._open(self._hang_up)
        word = token_hex(8)
        sender = asyncio.create_task(self._send(slot, word), name="log questions")
        try:
            await self._receive(slot, word.encode() + b"\n")
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            await slot.close()
        return bool(self._asked or self._unsent)

    async def _send(self, slot: Slot, word: str) -> None:
        try:
            await slot.stream.write(supervisor_line())
            while True:
                while self._unsent:
                    asked = self._unsent.popleft()
                    self._asked.append(asked)
                    await slot.stream.write(asked.command(word))
                self._wanted.clear()
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._wanted.wait()
        except ConnectionError:
            return
        except TimeoutError:
            if not self._asked:
                await slot.stream.close()

    async def _receive(self, slot: Slot, end: bytes) -> None:
        rest = bytearray()
        while data := await slot.stream.read():
            looked = max(0, len(rest) - len(end))
            rest += data
            # Who asks again and again without an answer is quiet, and can be hung up on.
            if len(rest) > len(end):
                slot.touch()
            while (found := rest.find(end, looked)) >= 0:
                if self._asked:
                    answer = self._asked.popleft().answer
                    if not answer.done():
                        answer.set_result(bytes(rest[:found]))
                del rest[: found + len(end)]
                looked = 0

    def _hang_up(self) -> None:
        # The reader finds the end of the stream, and goes on with another if anything is still asked.
        if self._slot is not None:
            self._closing = asyncio.create_task(self._slot.stream.close(), name="hang up logs")
