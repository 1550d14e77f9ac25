"""A lasting conversation with a supervisor, whatever carries it: begun when first needed, and again when it breaks.

What was asked and not yet answered is asked again of the next one: commands and answers bear repetition.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from wfe.errors import Retryable, WfeError
from wfe.supervisor import protocol
from wfe.supervisor.answers import Acked, Answer, End, EndReason, Hello, Killed, OutputBytes, Outputs, Refused


class SupervisorAway(Retryable):
    """The supervisor cannot be started, or refuses its work."""


class TaskRefused(SupervisorAway):
    """The supervisor does not carry out this one command; `why` is its word."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the supervisor refuses this task: {why}")
        self.why = why


class Session(Protocol):
    """One stream to one supervisor, which has greeted."""

    hello: Hello
    heard_at: datetime

    def write(self, command: bytes) -> None:
        """Send a command; to one that is gone it is lost, and asked again by whoever hears of that."""
        ...

    async def close(self) -> None:
        """Let the supervisor go; what it started lives on."""
        ...


Pieces = dict[tuple[str, str], bytearray]


@dataclass(slots=True)
class _Question:
    command: bytes
    answer: asyncio.Future[Any]
    pieces: Pieces = field(default_factory=dict)


class Link:
    """A question is a future, and the answer resolves it.

    Args:
        connect: begins a session that tells this link what it hears and when it is lost; it is given the number of
            sessions that were lost since anything was answered. What it raises is the answer to all that is open.
    """

    def __init__(self, connect: Callable[["Link", int], Awaitable[Session]]) -> None:
        self._connect_once = connect
        self._open: dict[tuple[str, str], _Question] = {}
        self._session: Session | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False
        self._deaths = 0
        self._said_hello: tuple[Hello, datetime] | None = None

    async def start(self, key: str, command: bytes) -> "asyncio.Future[End]":
        """Send a start; the future is the end of the step, whoever started it."""
        future: asyncio.Future[End] = self._ask("end", key, command)
        await self._say(command)
        return future

    async def kill(self, key: str, command: bytes) -> None:
        """Send a kill and wait until it was taken."""
        known = self._open.get(("kill", key))
        taken = known.answer if known else self._ask("kill", key, command)
        await self._say(command)
        await asyncio.shield(taken)

    async def outputs(self, key: str, limit: int) -> Mapping[tuple[str, str], bytes]:
        """Return what a step put out, by the step's key and `file` or `markers`."""
        return await self._pieces(key, protocol.outputs(key, limit))

    async def values(self) -> Mapping[tuple[str, str], bytes]:
        """Return the mounted secrets, by their name/key and `value`."""
        return await self._pieces("-", protocol.values())

    def tell(self, command: bytes) -> None:
        """Say something that needs no answer, if anybody listens just now."""
        if self._session is not None:
            self._session.write(command)

    def forget(self, key: str) -> None:
        """Ask no more about a step."""
        self._open.pop(("end", key), None)

    @property
    def waits(self) -> bool:
        """Whether anything is asked and not answered."""
        return bool(self._open)

    def time_of(self, centiseconds: int, *, otherwise: datetime) -> datetime:
        """Translate a time of the supervisor's clock."""
        if self._said_hello is None:
            return otherwise
        hello, heard_at = self._said_hello
        return hello.time_of(centiseconds, heard_at=heard_at)

    async def close(self) -> None:
        """Let the supervisor go; what it started lives on."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._session is not None:
            await self._session.close()
        self._fail(SupervisorAway("the executor was closed"))

    def hear(self, answer: Answer) -> None:
        """Take an answer; called by the session."""
        self._deaths = 0
        match answer:
            case End(key=key):
                self._resolve("end", key, answer)
            case Acked(key=key):
                self._resolve("end", key, End(key, None, EndReason.LOST, None, None, "-"))
            case Killed(key=key):
                self._resolve("kill", key, None)
            case OutputBytes(key=key, source=source, data=data):
                question = self._open.get(("outputs", "-" if source == "value" else key))
                if question is not None:
                    question.pieces.setdefault((key, source), bytearray()).extend(data)
            case Outputs(key=key) if ("outputs", key) in self._open:
                self._resolve("outputs", key, self._open["outputs", key].pieces)
            case Refused(key=key, why=why):
                self._refuse(key, TaskRefused(why))
            case _:
                pass

    def lost(self, session: Session) -> None:
        """Take note that a session is over; called by it, once."""
        if session is not self._session or self._closed:
            return
        self._session = None
        self._deaths += 1
        if self._open:
            self._begin()

    async def _pieces(self, key: str, command: bytes) -> Mapping[tuple[str, str], bytes]:
        # One after another: pieces carry no number.
        while (known := self._open.get(("outputs", key))) is not None:
            await asyncio.wait([known.answer])
        future: asyncio.Future[Pieces] = self._ask("outputs", key, command)
        try:
            await self._say(command)
            return {where: bytes(data) for where, data in (await future).items()}
        finally:
            self._open.pop(("outputs", key), None)

    def _ask(self, kind: str, key: str, command: bytes) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[kind, key] = _Question(command, future)
        return future

    async def _say(self, command: bytes) -> None:
        if self._session is not None:
            self._session.write(command)
            return
        # Whoever connects says all that is open, and so this too.
        await asyncio.shield(self._begin())

    def _begin(self) -> "asyncio.Task[None]":
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="supervisor")
        return self._connecting

    async def _connect(self) -> None:
        try:
            session = await self._connect_once(self, self._deaths)
        except WfeError as error:
            self._fail(error)
        else:
            self._session = session
            self._said_hello = (session.hello, session.heard_at)
            for question in self._open.values():
                question.pieces.clear()
                session.write(question.command)
        finally:
            self._connecting = None

    def _resolve(self, kind: str, key: str, answer: object) -> None:
        question = self._open.pop((kind, key), None)
        if question is not None and not question.answer.done():
            question.answer.set_result(answer)

    def _refuse(self, key: str, error: WfeError) -> None:
        for kind in ("end", "kill", "outputs"):
            question = self._open.pop((kind, key), None)
            if question is not None and not question.answer.done():
                question.answer.set_exception(error)

    def _fail(self, error: WfeError) -> None:
        for key in {key for _, key in self._open}:
            self._refuse(key, error)
