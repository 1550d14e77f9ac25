"""The log of one step: fetched while it runs, and to its end once it has ended."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from wfe.executors.runner.channel import BLOCKS, LogChannel
from wfe.model.ids import AttemptKey
from wfe.ports.logs import LogSink, Segment, Stream
from wfe.supervisor.answers import End
from wfe.supervisor.cutter import Cutter
from wfe.supervisor.masking import MaskedStream, Masker
from wfe.supervisor.outputs import MarkerLines
from wfe.supervisor.protocol import BLOCK

_FIRST_LOOK_SECONDS: Final = 0.1
_LAST_LOOK_SECONDS: Final = 2.0
_SLOWER: Final = 1.5
_LETTERS: Final[Mapping[Stream, str]] = {Stream.STDOUT: "o", Stream.STDERR: "e"}


class StepLog:
    """Both streams of an attempt, from their first bytes, to the sink; secrets are masked before.

    Args:
        name: the step's key in the protocol.
    """

    def __init__(
        self,
        channel: LogChannel,
        name: str,
        key: AttemptKey,
        sink: LogSink,
        masker: Masker,
        now: Callable[[], datetime],
    ) -> None:
        self._sink = sink
        self._markers = MarkerLines()
        self._streams = {
            stream: _StreamLog(channel, name, stream, Cutter(key, stream, lambda _: now()), masker)
            for stream in Stream
        }
        self.is_whole = False

    @property
    def markers(self) -> bytes:
        """The lines that are outputs; all of them once the log is whole."""
        return self._markers.found

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return sum(log.position for log in self._streams.values())

    async def follow(self) -> None:
        """Hand on what comes until cancelled; more and more rarely while nothing does."""
        pause = _FIRST_LOOK_SECONDS
        while True:
            await asyncio.sleep(pause)
            found = False
            for log in self._streams.values():
                found = await self._hand_on_all(log) or found
            pause = _FIRST_LOOK_SECONDS if found else min(_LAST_LOOK_SECONDS, pause * _SLOWER)

    async def finish(self, end: End) -> None:
        """Hand on the rest of a step that has ended."""
        for stream, log in self._streams.items():
            if _LETTERS[stream] in end.wrote:
                await self._hand_on_all(log)
            await self._hand_on(log.finish())
        self.is_whole = True

    async def _hand_on_all(self, log: "_StreamLog") -> bool:
        found = False
        while (segments := await log.fetch()) is not None:
            found = True
            await self._hand_on(segments)
            if not log.is_behind:
                break
        return found

    async def _hand_on(self, segments: list[tuple[Segment, list[Segment]]]) -> None:
        for plain, masked in segments:
            if plain.stream is Stream.STDOUT:
                self._markers.see(plain.data)
            for segment in masked:
                await self._sink.write(segment)


class _StreamLog:
    """One stream; a position that is behind its end means that the step has emptied the file."""

    def __init__(
        self, channel: LogChannel, name: str, stream: Stream, cutter: Cutter, masker: Masker
    ) -> None:
        self._channel = channel
        self._name = name
        self._stream = stream
        self._cutter = cutter
        self._masked = MaskedStream(masker)
        self.position = 0
        # Whether there may be more at once, since the last piece was full: each question costs a process there.
        self.is_behind = False

    async def fetch(self) -> list[tuple[Segment, list[Segment]]] | None:
        """Return what one piece completes; None if there is nothing new."""
        block, known = divmod(self.position, BLOCK)
        piece = await self._channel.fetch(self._name, self._stream.value, block)
        self.is_behind = len(piece) >= BLOCKS * BLOCK or len(piece) < known
        if len(piece) < known:
            self.position = 0
            return []
        new = piece[known : BLOCKS * BLOCK]
        if not new:
            return None
        self.position += len(new)
        return [(segment, list(self._masked.take(segment))) for segment in self._cutter.take(new)]

    def finish(self) -> list[tuple[Segment, list[Segment]]]:
        """Return what is left once nobody writes any more."""
        rest = [(segment, list(self._masked.take(segment))) for segment in self._cutter.finish()]
        return [*rest, *((_nothing(last), [last]) for last in self._masked.finish())]


def _nothing(segment: Segment) -> Segment:
    return Segment(segment.key, segment.stream, segment.offset, b"", segment.at)


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task of ours and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
