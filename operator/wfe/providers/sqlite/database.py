"""One database file: a thread that writes, a thread that reads, and the news of what others wrote."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, TypeVar

from wfe.errors import StoreUnavailable
from wfe.providers.sqlite.errors import translated
from wfe.providers.sqlite.schema import connect
from wfe.providers.sqlite.writer import Work, Writer

T = TypeVar("T")
LOOK_EVERY: Final = timedelta(milliseconds=50)
PATIENCE: Final = timedelta(seconds=5)


class Database:
    """What the store and the leases of one file share."""

    def __init__(self, path: str, *, patience: timedelta = PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._changed = asyncio.Event()
        self._writer = Writer(path, patience=patience, changed=self._changed.set)
        self._reader: ThreadPoolExecutor | None = None
        self._reading: sqlite3.Connection | None = None

    async def open(self) -> None:
        if self._reading is not None:
            return
        await self._writer.start()
        self._reader = ThreadPoolExecutor(1, "wfe-sqlite-reader")
        self._reading = await self._in_reader(connect, self.path, self._patience)

    async def close(self) -> None:
        await self._writer.stop()
        reading, self._reading = self._reading, None
        if reading is not None:
            await self._in_reader(reading.close)
        if self._reader is not None:
            self._reader.shutdown()
            self._reader = None

    async def write(self, work: Work[T], *, quiet: bool = False) -> T:
        """Do the work in a transaction, perhaps together with other work; return after the commit.

        Quiet work does not wake those who wait for changes in this process.
        """
        return await self._writer.do(work, quiet=quiet)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work, which reads with one statement, on the latest committed state."""
        if self._reading is None:
            raise StoreUnavailable(f"the database `{self.path}` is not open; call `open()` first")
        return await self._in_reader(work, self._reading)

    async def changes(self) -> None:
        """Return once something was written since the last return, by whatever process."""
        while not self._changed.is_set():
            try:
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                await self._writer.look()
        self._changed.clear()

    async def _in_reader(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reader, work, *arguments)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
