"""News: that something was written, by this process or another, and which events came.

What somebody may be waiting for (a signal, an event, an end) is told to other processes in the transaction that
writes it. That instances have gone on is told soon after, many at once: telling takes a lock that commits of all
processes would queue for. A process that was deaf for a while takes it that anything may have been written.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from wfe.errors import StoreUnavailable, WfeError
from wfe.model.codec import load_json
from wfe.model.forms import dump_ascii
from wfe.ports.store import Published
from wfe.providers.postgres.statements import SQL

if TYPE_CHECKING:
    from wfe.providers.postgres.database import Database

Topic = tuple[str, str]
LONGEST: Final = 7000  # Postgres takes 7999 bytes
GATHER_SECONDS: Final = 0.03
LISTEN_AGAIN_SECONDS: Final = 1.0
SIGN_OF_LIFE_SECONDS: Final = 5.0
HEAR_WITHIN_SECONDS: Final = 5.0


class Word(StrEnum):
    """What is said where there are no names of events to tell."""

    ANY = "*"
    QUEUE = "queue"
    HELLO = "hello"


class Bell:
    """Wakes those who wait for the queue."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    def next_ring(self) -> asyncio.Event:
        """Return what is set when the bell rings from now on."""
        return self._rung


class News:
    """What is heard, and what is said, on the channel of a schema.

    Attributes:
        bell: rings when the queue may have something.
        backend: the process of the server that serves the connection on which we listen.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._name = token_hex(8)
        self._listener: asyncio.Task[None] | None = None
        self.bell = Bell()
        self._is_heard = asyncio.Event()
        self._topics: set[Topic] | None = set()
        self._to_do = asyncio.Event()
        self._untold = False
        self.backend = 0

    @property
    def channel(self) -> str:
        """The channel: one for each schema."""
        return f"wfe {self._database.address.schema}"

    def words(self, topics: Iterable[Topic] = ()) -> str:
        """Return what to say of a write that brought these events; `wrote` tells this process the same."""
        text = dump_ascii(sorted(set(topics)))
        return f"{self._name} {text if len(text) <= LONGEST else Word.ANY}"

    @property
    def words_of_queue(self) -> str:
        """What to say when a key was put."""
        return f"{self._name} {Word.QUEUE}"

    async def open(self) -> None:
        """Begin to listen: what is written after this is heard.

        Raises:
            StoreUnavailable: nothing is heard, not even what we say ourselves.
        """
        self._listener = asyncio.create_task(self._listen(), name="listen to the database")
        try:
            async with asyncio.timeout(HEAR_WITHIN_SECONDS):
                await self._is_heard.wait()
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the database `{self._database.address.shown}` does not pass on notifications; if a pooler is in "
                "between, it has to pool sessions, not transactions"
            ) from error

    async def close(self) -> None:
        """Say what has not been said, and end."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.cancel()
        await asyncio.wait([listener])
        if self._untold:
            with suppress(WfeError):
                await self._database.fetch("notify", self.channel, self.words())

    def wrote(self, topics: Iterable[Topic] = (), *, is_told: bool) -> None:
        """This process has written something. `is_told` says whether the transaction has told the others."""
        self._heard_of(topics)
        if not is_told:
            self._untold = True
            self._to_do.set()

    async def wait(self) -> Published:
        """Return once there is news since the last return: the events that came, None if they may be any."""
        await self._is_heard.wait()
        self._is_heard.clear()
        topics, self._topics = self._topics, set()
        return None if topics is None else frozenset(topics)

    def _heard_of(self, topics: Iterable[Topic] | None) -> None:
        if topics is None:
            self._topics = None
        elif self._topics is not None:
            self._topics.update(topics)
        self._is_heard.set()

    def _hear(self, _connection: Any, backend: int, _channel: str, payload: object) -> None:
        name, _, text = str(payload).partition(" ")
        if name == self._name:
            self._hear_myself(text, backend)
            return
        match text:
            case Word.HELLO:
                pass
            case Word.QUEUE:
                self.bell.ring()
            case Word.ANY:
                self._heard_of(None)
            case _:
                self._heard_of([(topic[0], topic[1]) for topic in load_json(text)])

    def _hear_myself(self, text: str, backend: int) -> None:
        if text == Word.HELLO:
            self.backend = backend
            # Whatever was said before, nobody heard it.
            self._heard_of(None)
            self.bell.ring()

    async def _listen(self) -> None:
        while True:
            with suppress(WfeError):
                async with self._database.connection() as connection:
                    await self._converse(connection)
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def _converse(self, connection: asyncpg.Connection) -> None:
        def lost(_: object) -> None:
            self._to_do.set()

        connection.add_termination_listener(lost)
        try:
            await connection.add_listener(self.channel, self._hear)
            await connection.fetch(SQL["notify"], self.channel, f"{self._name} {Word.HELLO}")
            while not connection.is_closed():
                await self._say(connection)
        finally:
            with suppress(asyncpg.InterfaceError, OSError):
                connection.remove_termination_listener(lost)
                await connection.remove_listener(self.channel, self._hear)

    async def _say(self, connection: asyncpg.Connection) -> None:
        """Wait until there is something to say; say it. Say nothing now and then, which finds a dead connection."""
        try:
            async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                await self._to_do.wait()
        except TimeoutError:
            await connection.fetch("SELECT")
            return
        self._to_do.clear()
        await asyncio.sleep(GATHER_SECONDS)
        if self._untold and not connection.is_closed():
            self._untold = False
            await connection.fetch(SQL["notify"], self.channel, self.words())
