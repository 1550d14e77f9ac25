"""Logs that are handed over, in the files of a directory (`providers.files.kept`)."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from shutil import rmtree
from typing import Final

from wfe.errors import Permanent, StoreUnavailable
from wfe.ports.log_pages import begin_of, is_in_time, is_wanted, page_of
from wfe.ports.logs import LogPage, LogQuery, LogRecord, Place, Segment, names_in
from wfe.providers.files.kept import KeptAttempt, keep, kept_attempts
from wfe.supervisor.layout import instance_directory

_PAGE: Final = 500


class DirectoryUnusable(Permanent):
    """The directory cannot be used; somebody has to change something."""


class DirectoryLogs:
    """Keeps the promise of `ports.logs.LogStore` in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def open(self) -> None:
        """Make the directory.

        Raises:
            DirectoryUnusable: that is not possible.
        """
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DirectoryUnusable(
                f"logs cannot be kept in `{self._root}`: {error.strerror}; name a directory that can be written"
            ) from error

    async def append(self, records: Sequence[LogRecord]) -> None:
        try:
            await asyncio.to_thread(self._append, records)
        except OSError as error:
            raise StoreUnavailable(
                f"logs cannot be kept in `{self._root}`: {error.strerror}; look at the disk and the rights"
            ) from error

    def _append(self, records: Sequence[LogRecord]) -> None:
        for _, group in groupby(sorted(records, key=_stream), key=_stream):
            keep(self._root, list(group))

    async def read(
        self, instance: str, *, step: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Segment]:
        query = LogQuery(instance=instance, step=step, since=since)
        records = await asyncio.to_thread(self._found, query, None)
        while page := await asyncio.to_thread(lambda: list(islice(records, _PAGE))):
            for record in page:
                yield record.segment

    async def search(self, query: LogQuery) -> LogPage:
        begin = begin_of(query.after)

        def look() -> list[LogRecord]:
            found = (record for record in self._found(query, begin) if is_wanted(record, query))
            return list(islice(found, query.limit + 1))

        return page_of(await asyncio.to_thread(look), query.limit)

    def _found(self, query: LogQuery, begin: Place | None) -> Iterator[LogRecord]:
        """Yield what may be wanted, in order; bytes are read when they are asked for."""
        below = "*" if query.instance is None else instance_directory(query.instance)
        attempts = [one for one in kept_attempts(self._root, below) if _is_of(one, query)]
        lines = [line for attempt in attempts for line in attempt.lines()]
        placed = [(line.place, line) for line in lines if is_in_time(line.with_data(b"").segment, query)]
        placed.sort(key=lambda one: one[0])
        return (line.record() for place, line in placed if begin is None or place > begin)

    async def forget(self, instance: str) -> None:
        await asyncio.to_thread(rmtree, self._root / instance_directory(instance), ignore_errors=True)

    async def expire(self, *, before: datetime) -> None:
        def work() -> None:
            for attempt in kept_attempts(self._root):
                if all(line.at < before for line in attempt.lines()):
                    rmtree(attempt.directory, ignore_errors=True)

        await asyncio.to_thread(work)


def _stream(record: LogRecord) -> tuple[str, str, int, str]:
    key = record.segment.key
    return key.instance, key.path, key.attempt, record.segment.stream


def _is_of(attempt: KeptAttempt, query: LogQuery) -> bool:
    return (
        query.instance in {None, attempt.key.instance}
        and query.workflow in {None, attempt.workflow}
        and (query.step is None or query.step in names_in(attempt.key.path))
    )
