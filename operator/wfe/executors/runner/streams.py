"""Exec streams, of which there are only so many: the quietest is hung up when another is wanted."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wfe.kube import Client, ExecStream

# Nobody is hung up on who was heard of in so short a time.
_QUIET_SECONDS: Final = 2.0
_LOOK_EVERY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """A container to run a program in."""

    namespace: str
    pod: str
    container: str


class Slot:
    """One of the streams there may be."""

    def __init__(
        self, streams: "Streams", stream: ExecStream, hang_up: Callable[[], None], now: float
    ) -> None:
        self.stream = stream
        self.hang_up = hang_up
        self.used_at = now
        self._streams = streams

    def touch(self) -> None:
        """Take note that it is in use."""
        self.used_at = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Hang up and give the slot back; harmless twice."""
        self._streams.give_back(self)
        await self.stream.close()


class Streams:
    """Opens streams, a few at a time, first come, first served."""

    def __init__(self, client: Client, *, most: int, attaches: int) -> None:
        self._client = client
        self._most = most
        self._attaches = asyncio.Semaphore(attaches)
        self._open: set[Slot] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def open(self, place: Place, argv: Sequence[str], hang_up: Callable[[], None]) -> Slot:
        """Start a program in a container.

        Args:
            hang_up: called when the stream has to go; it closes the slot, soon.

        Raises:
            ApiError: it does not start.
        """
        await self._wait_for_room()
        self._opening += 1
        try:
            async with self._attaches:
                stream = await self._client.exec(place.pod, place.namespace, place.container, argv)
            slot = Slot(self, stream, hang_up, asyncio.get_running_loop().time())
            self._open.add(slot)
        finally:
            self._opening -= 1
            self._let_next()
        return slot

    def give_back(self, slot: Slot) -> None:
        """Take note that a stream is over."""
        self._open.discard(slot)
        self._let_next()

    @property
    def _is_full(self) -> bool:
        return len(self._open) + self._opening >= self._most

    async def _wait_for_room(self) -> None:
        while self._is_full:
            self._hang_up_the_quietest()
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await asyncio.wait([turn], timeout=_LOOK_EVERY_SECONDS)
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)

    def _hang_up_the_quietest(self) -> None:
        now = asyncio.get_running_loop().time()
        quietest = min(self._open, key=lambda slot: slot.used_at, default=None)
        if quietest is not None and now - quietest.used_at >= _QUIET_SECONDS:
            quietest.hang_up()

    def _let_next(self) -> None:
        while self._waiting and not self._is_full:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
