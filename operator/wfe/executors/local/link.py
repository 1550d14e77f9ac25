"""A lasting conversation with a supervisor: it is started when first needed, and again when it dies.

What was asked and not yet answered is asked again of the next one: commands and answers bear repetition.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from wfe.errors import Retryable
from wfe.executors.local.process import SupervisorProcess
from wfe.supervisor.protocol import VERSION, Acked, Answer, End, EndReason, Hello, Killed, Refused

_TRIES: Final = 3
_DEATHS: Final = 5
_PATIENCE_SECONDS: Final = 10.0
_REFUSALS: Final = {
    "setsid": "this machine has neither `setsid` nor `perl`, and steps need one of them; install util-linux",
    "incarnation": "the state directory was moved to another machine while this process ran",
}


class SupervisorAway(Retryable):
    """The supervisor cannot be started, or refuses its work."""


class Link:
    """A question is a future, and the answer resolves it."""

    def __init__(
        self, command: Sequence[str], directory: Path, env: Mapping[str, str], now: Callable[[], datetime]
    ) -> None:
        self._command = command
        self._directory = directory
        self._env = env
        self._now = now
        self._ends: dict[str, tuple[bytes, asyncio.Future[End]]] = {}
        self._kills: dict[str, tuple[bytes, asyncio.Future[None]]] = {}
        self._process: SupervisorProcess | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False
        self._hello: tuple[Hello, datetime] | None = None
        self._refusal: str | None = None
        self._deaths = 0

    async def start(self, key: str, command: bytes) -> asyncio.Future[End]:
        """Send a start; the future is the end of the step, whoever started it."""
        future: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._ends[key] = (command, future)
        await self._say(command)
        return future

    async def kill(self, key: str, command: bytes) -> None:
        """Send a kill and wait until it was taken."""
        if key not in self._kills:
            self._kills[key] = (command, asyncio.get_running_loop().create_future())
        taken = self._kills[key][1]
        await self._say(command)
        await asyncio.shield(taken)

    def forget(self, key: str) -> None:
        """Ask no more about a step."""
        self._ends.pop(key, None)

    def time_of(self, centiseconds: int) -> datetime:
        """Translate a time of the supervisor's clock."""
        if self._hello is None:
            return self._now()
        hello, heard_at = self._hello
        return hello.time_of(centiseconds, heard_at=heard_at)

    async def close(self) -> None:
        """Let the supervisor go; what it started lives on."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._process is not None:
            await self._process.close(_PATIENCE_SECONDS)
        self._fail(SupervisorAway("the executor was closed"))

    async def _say(self, command: bytes) -> None:
        if self._process is not None:
            self._process.write(command)
            return
        # Whoever connects says all that is open, and so this too.
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="supervisor")
        await asyncio.shield(self._connecting)

    async def _connect(self) -> None:
        try:
            process = await self._greeted()
        except (SupervisorAway, OSError) as error:
            self._fail(SupervisorAway(f"the supervisor does not start: {error}"))
        else:
            self._process = process
            for command, _ in [*self._ends.values(), *self._kills.values()]:
                process.write(command)
        finally:
            self._connecting = None

    async def _greeted(self) -> SupervisorProcess:
        for _ in range(_TRIES):
            process = await SupervisorProcess.start(
                self._command, self._directory, self._env, self._hear, self._take_leave
            )
            await asyncio.wait(
                [process.ready, process.exited],
                timeout=_PATIENCE_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if process.ready.done() and not process.exited.done():
                return process
            await process.close(0)
        messages = self._directory / ".supervisor" / "messages"
        raise SupervisorAway(_REFUSALS.get(self._refusal or "", f"its messages are in {messages}"))

    def _take_leave(self, process: SupervisorProcess) -> None:
        if process is not self._process or self._closed:
            return
        self._process = None
        process.release()
        self._deaths += 1
        if self._deaths > _DEATHS:
            self._fail(SupervisorAway("the supervisor dies again and again, without an answer"))
        if self._ends or self._kills:
            self._connecting = asyncio.create_task(self._connect(), name="supervisor")

    def _hear(self, process: SupervisorProcess, answer: Answer) -> None:
        if not isinstance(answer, Hello):
            self._deaths = 0
        match answer:
            case Hello(version=version) if version == VERSION:
                self._hello = (answer, self._now())
                process.ready.set_result(None)
            case End(key=key):
                self._resolve(key, answer)
            case Acked(key=key):
                self._resolve(key, End(key, None, EndReason.LOST, None, None))
            case Killed(key=key) if key in self._kills:
                _settle(self._kills.pop(key)[1], None)
            case Refused(key="-", why=why):
                self._refusal = why
            case Refused(key=key, why=why):
                self._refuse(key, SupervisorAway(f"the supervisor refuses this task: {why}"))
            case _:
                pass

    def _resolve(self, key: str, end: End) -> None:
        if key in self._ends:
            _settle(self._ends.pop(key)[1], end)

    def _refuse(self, key: str, error: SupervisorAway) -> None:
        if key in self._ends:
            _settle(self._ends.pop(key)[1], error)
        if key in self._kills:
            _settle(self._kills.pop(key)[1], error)

    def _fail(self, error: SupervisorAway) -> None:
        for key in {*self._ends, *self._kills}:
            self._refuse(key, error)


def _settle(future: asyncio.Future, answer: object) -> None:  # type: ignore[type-arg]  # of either kind
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
