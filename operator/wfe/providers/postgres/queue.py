"""The queue in the schema of the store, by the server's clock: machines need not agree on the time."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from wfe.ports.queue import Taken
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.errors import StoreUnusable
from wfe.providers.postgres.words import kept


class PostgresQueue:
    """Keeps the promises of `wfe.ports.queue.Queue` for all who use the schema.

    `now` says what `wait` means by its time; the store of the same provider has to be open.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._bell = database.news.bell
        self._now = now

    async def put(self, key: str, due: datetime) -> None:
        if kept(key) != key:
            raise StoreUnusable(f"the key {key[:40]!r} cannot be kept; use at most 200 plain characters")
        news = self._database.news
        if await self._database.fetch("put_key", key, due, news.channel, news.words_of_queue):
            self._bell.ring()

    async def take(self, limit: int, claim: timedelta) -> Sequence[Taken]:
        rows = await self._database.fetch("take_keys", limit, claim)
        oldest_first = sorted(rows, key=lambda row: (row["at"], row["number"]))
        return [Taken(row["key"], f"{row['number']}-{row['takes']}") for row in oldest_first]

    async def renew(self, taken: Sequence[Taken], claim: timedelta) -> Sequence[Taken]:
        numbers = [_numbers(one) for one in taken]
        columns = ([number for number, _ in numbers], [takes for _, takes in numbers])
        rows = await self._database.fetch("renew_keys", *columns, claim)
        renewed = {(row["number"], row["takes"]) for row in rows}
        return [one for one in taken if _numbers(one) not in renewed]

    async def done(self, taken: Taken) -> bool:
        news = self._database.news
        rows = await self._database.fetch("done_key", *_numbers(taken), news.channel, news.words_of_queue)
        self._bell.ring()
        return bool(rows)

    async def wait(self, until: datetime) -> None:
        while True:
            # A ring between the look and the wait is heard: the look comes after this.
            rung = self._bell.next_ring()
            row = await self._database.fetch_one("time_left")
            left = until - self._now()
            if row is not None:
                left = min(left, row["time_left"])
            if left <= timedelta():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left.total_seconds()):
                    await rung.wait()
            if not rung.is_set():
                return  # the time has come


def _numbers(taken: Taken) -> tuple[int, int]:
    number, _, takes = taken.token.partition("-")
    return int(number), int(takes)
