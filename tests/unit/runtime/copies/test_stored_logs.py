"""Logs that are kept are read while they are written, and together with those of this machine."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from tests.unit.runtime.site import virtually
from wfe.errors import StoreUnavailable
from wfe.ports.logs import LogRecord, Segment, Stream
from wfe.providers.memory import MemoryLogs
from wfe.runtime.copies.stored_logs import JoinedLogs, StoredLogs
from wfe.testing.builders import NOON
from wfe.testing.fakes import FakeClock
from wfe.testing.logs_contract import a_record, lines

SECOND = timedelta(seconds=1)


class Kept:
    """A keeper of logs, whose instance ends when a test says so."""

    def __init__(self) -> None:
        self.store = MemoryLogs()
        self.ended = False
        self.reader = StoredLogs(self.store, FakeClock(), self._has_ended)

    async def _has_ended(self, instance: str) -> bool:
        return self.ended


class Here:
    """What was written on this machine."""

    def __init__(self, records: Sequence[LogRecord] = (), error: Exception | None = None) -> None:
        self.records = records
        self.error = error

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        for record in self.records:
            await asyncio.sleep(0.1 if follow else 0)
            yield record.segment
        if self.error:
            raise self.error


async def all_of(stream: AsyncIterator[Segment]) -> list[Segment]:
    return [segment async for segment in stream]


def segments(records: Sequence[LogRecord]) -> list[Segment]:
    return [record.segment for record in records]


@virtually
async def test_what_is_kept_is_read() -> None:
    kept = Kept()
    await kept.store.append([*lines(10), *lines(5, path="test")])
    assert await all_of(kept.reader.read("i1", step="build")) == segments(lines(10))
    assert await all_of(kept.reader.read("nobody")) == []


@virtually
async def test_a_follower_gets_each_line_once_until_the_end() -> None:
    kept = Kept()
    records = lines(60)
    following = asyncio.create_task(all_of(kept.reader.read("i1", follow=True)))
    for start in range(0, 60, 7):
        await kept.store.append(records[max(start - 20, 0) : start + 7])
        await asyncio.sleep(1)
    assert not following.done()
    kept.ended = True
    assert await following == segments(records)


@virtually
async def test_what_arrives_late_is_found_in_the_end() -> None:
    kept = Kept()
    late = a_record(b"late", path="elsewhere", at=NOON - 3600 * SECOND)
    await kept.store.append(lines(10))
    following = asyncio.create_task(all_of(kept.reader.read("i1", follow=True)))
    await asyncio.sleep(5)
    kept.ended = True
    await asyncio.sleep(1)
    await kept.store.append([late])
    assert await following == [*segments(lines(10)), late.segment]


@virtually
async def test_two_readers_are_one_in_the_order_of_time() -> None:
    kept = Kept()
    elsewhere = lines(30, path="elsewhere", stream=Stream.STDERR)
    await kept.store.append([*lines(20), *elsewhere])
    joined = JoinedLogs(Here(lines(30)), kept.reader)
    found = await all_of(joined.read("i1"))
    assert len(found) == 60
    assert [segment.at for segment in found] == sorted(segment.at for segment in found)


@virtually
async def test_two_readers_are_followed_at_once() -> None:
    kept = Kept()
    await kept.store.append([*lines(20), *lines(5, path="elsewhere")])
    following = asyncio.create_task(all_of(JoinedLogs(Here(lines(30)), kept.reader).read("i1", follow=True)))
    await asyncio.sleep(10)
    kept.ended = True
    found = await following
    assert len(found) == 35
    assert [one for one in found if one.key.path == "build"] == segments(lines(30))


@virtually
async def test_what_goes_wrong_with_one_is_told() -> None:
    here = Here(lines(3), StoreUnavailable("away"))
    kept = Kept()
    for follow in (False, True):
        with pytest.raises(StoreUnavailable, match="away"):
            await all_of(JoinedLogs(here, kept.reader).read("i1", follow=follow))
