"""The one thread that writes. What waits when it is free becomes one transaction, answered after its commit.

A failure that is an answer (a conflict, a taken name) is found before the work changes anything, and
fails alone. An error of SQLite itself rolls the group back; then each work is tried by itself, so that one
bad value does not fail its neighbours.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from wfe.errors import StoreUnavailable, WfeError
from wfe.providers.sqlite.errors import translated
from wfe.providers.sqlite.saves import Save, save_all
from wfe.providers.sqlite.schema import connect, migrate

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T] | Save


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """Work, and where its answer goes."""

    work: Work[T]
    future: asyncio.Future[T]
    quiet: bool
    result: Any = None
    error: Exception | None = None

    def resolve(self) -> None:
        if self.future.done():  # the caller has been cancelled
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Writer:
    """Hands work to its thread, everything that one turn of the event loop wants written at once."""

    def __init__(self, path: str, *, patience: timedelta, changed: Callable[[], None]) -> None:
        self._path = path
        self._patience = patience
        self._changed = changed
        self._queue: SimpleQueue[list[Job[Any]] | None] = SimpleQueue()
        self._waiting: list[Job[Any]] = []
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._version = -1

    async def start(self) -> None:
        """Open the database and bring its schema up to date."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = Thread(target=self._run, args=(opened,), name="wfe-sqlite-writer", daemon=True)
        self._thread.start()
        try:
            await opened
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Write what waits, then close."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._hand_over()
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    def do(self, work: Work[T], *, quiet: bool = False) -> asyncio.Future[T]:
        """Return the future of the answer, which comes after the commit. Quiet work is no news to others."""
        if self._thread is None:
            raise StoreUnavailable(f"the database `{self._path}` is not open; call `open()` first")
        job = Job(work, self._loop.create_future(), quiet)
        self._waiting.append(job)
        if len(self._waiting) == 1:
            self._loop.call_soon(self._hand_over)
        return job.future

    async def look(self) -> None:
        """Tell whether another process wrote, by calling `changed`."""
        if await self.do(self._is_new, quiet=True):
            self._changed()

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        before = self._version
        (self._version,) = connection.execute("PRAGMA data_version").fetchone()
        return self._version != before

    def _hand_over(self) -> None:
        if self._waiting:
            self._queue.put(self._waiting)
            self._waiting = []

    # Below: the writer's thread.

    def _run(self, opened: asyncio.Future[None]) -> None:
        try:
            connection = connect(self._path, self._patience)
        except Exception as error:  # noqa: BLE001 (it belongs to whoever waits for the opening)
            self._tell(_fail, opened, translated(error, self._path))
            return
        try:
            migrate(connection, self._path)
            self._tell(_succeed, opened)
            while jobs := self._next_group():
                self._write(connection, jobs)
                self._tell(self._resolve, jobs)
        except Exception as error:  # noqa: BLE001 (it belongs to whoever waits for the opening)
            self._tell(_fail, opened, translated(error, self._path))
        finally:
            connection.close()

    def _next_group(self) -> list[Job[Any]]:
        jobs = self._queue.get()
        if jobs is None:
            return []
        try:
            while more := self._queue.get_nowait():
                jobs.extend(more)
        except Empty:
            return jobs
        self._queue.put(None)
        return jobs

    def _write(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            for job in jobs:
                job.error = translated(error, self._path)
            return
        try:
            _perform(connection, jobs)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 (whoever waits for the job gets it)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(jobs) == 1:
                jobs[0].error = translated(error, self._path)
                return
            for job in jobs:
                self._write(connection, [job])

    def _tell(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._queue.put(None)

    def _resolve(self, jobs: Sequence[Job[Any]]) -> None:
        for job in jobs:
            job.resolve()
        if not all(job.quiet for job in jobs):
            self._changed()


def _perform(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> None:
    for _, run in groupby(jobs, lambda job: isinstance(job.work, Save)):
        together = list(run)
        saves = [job.work for job in together if isinstance(job.work, Save)]
        if saves:
            for job, answer in zip(together, save_all(connection, saves), strict=True):
                _answer(job, answer)
        else:
            for job in together:
                _do(connection, job)


def _do(connection: sqlite3.Connection, job: Job[Any]) -> None:
    if isinstance(job.work, Save):
        return
    try:
        _answer(job, job.work(connection))
    except WfeError as error:
        _answer(job, error)


def _answer(job: Job[Any], answer: Any) -> None:
    job.error = answer if isinstance(answer, Exception) else None
    job.result = None if job.error else answer


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
