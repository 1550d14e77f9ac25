"""Lines arrive, each once, whatever happens to the keeper; steps never wait for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.runtime.site import virtually
from wfe.errors import Permanent, StoreUnavailable
from wfe.model.ids import AttemptKey
from wfe.ports.logs import LogRecord, NoOverflow, Overflow, RecordsRefused, Segment, Stream, place_in_time
from wfe.providers.files import Spool
from wfe.providers.memory import MemoryLogs
from wfe.runtime.copies.held import Held
from wfe.runtime.copies.log_shipper import BATCH_BYTES, About, LogShipper
from wfe.testing.builders import NOON
from wfe.testing.fakes import FakeClock
from wfe.testing.logs_contract import a_record, lines, read

KEY = AttemptKey("i1", "build", 1)
SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1)


class Ledger:
    """A ledger in memory, and what others have left."""

    def __init__(self, *left: str) -> None:
        self.left = left
        self.named: set[str] = set(left)

    def open(self) -> Sequence[str]:
        return self.left

    def add(self, instance: str) -> None:
        self.named.add(instance)

    def remove(self, instance: str) -> None:
        self.named.discard(instance)

    def close(self) -> None: ...


class Keeper(MemoryLogs):
    """Keeps logs, when it does not raise what a test has it raise."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.away = False
        self.batches: list[int] = []

    async def append(self, records: Sequence[LogRecord]) -> None:
        await asyncio.sleep(0.01)
        if self.away:
            raise StoreUnavailable("away")
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(len(records))
        await super().append(records)


class Source:
    """What steps wrote, where they wrote it."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.reads = 0

    async def read(
        self, instance: str, *, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[Segment]:
        self.reads += 1
        for segment in sorted(self.segments, key=place_in_time):
            if segment.key.instance == instance and step in {None, segment.key.path}:
                yield segment


@dataclass
class World:
    """A shipper between a source and a keeper."""

    limit: int = 10_000_000
    ledger: Ledger = field(default_factory=Ledger)
    ended: bool = False
    keeper: Keeper = field(default_factory=Keeper)
    source: Source = field(default_factory=Source)
    overflow: Overflow = field(default_factory=NoOverflow)

    def __post_init__(self) -> None:
        self.shipper = LogShipper(
            self.keeper, self.source, Held(self.ledger), FakeClock(), self._about, limit=self.limit
        )
        self.shipper.overflow = self.overflow

    async def _about(self, instance: str) -> About | None:
        return About(f"name-of-{instance}", "pipeline", has_ended=self.ended)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.shipper.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def wrote(self, records: Sequence[LogRecord]) -> None:
        """Have steps write: into the source, and to the shipper."""
        for record in records:
            self.source.segments.append(record.segment)
            await self.shipper.write(record.segment)

    async def end(self, instance: str = "i1") -> None:
        self.shipper.know(instance, About(f"name-of-{instance}", "pipeline", has_ended=True))

    async def idle(self) -> None:
        async with asyncio.timeout(600):
            while not self.shipper.is_idle:  # noqa: ASYNC110 - virtual time passes
                await asyncio.sleep(0.1)


def segments(records: Sequence[LogRecord]) -> list[Segment]:
    return [record.segment for record in records]


@virtually
async def test_lines_arrive_in_batches_within_a_moment() -> None:
    world = World()
    async with world.running():
        await world.wrote(lines(500))
        await asyncio.sleep(0.2)
        assert await read(world.keeper) == segments(lines(500))
        found = [record async for record in _records(world.keeper)]
        assert {(record.instance_name, record.workflow) for record in found} == {("name-of-i1", "pipeline")}
    assert world.keeper.batches == [500]
    assert world.source.reads == 0


async def _records(keeper: Keeper) -> AsyncIterator[LogRecord]:
    for records in keeper._kept.values():
        for record in records.values():
            yield record


@virtually
async def test_writing_never_waits_for_the_keeper() -> None:
    world = World(limit=50_000)
    world.keeper.away = True
    async with world.running():
        before = asyncio.get_running_loop().time()
        await world.wrote(lines(5000))
        assert asyncio.get_running_loop().time() == before
        assert world.shipper.lag().waiting < 300
        await asyncio.sleep(600)
        assert world.shipper.lag().trouble == "away"
        assert world.shipper.lag().behind >= 500 * SECOND
        world.keeper.away = False
        await world.idle()
    assert await read(world.keeper) == segments(lines(5000))
    assert world.shipper.lag().trouble == ""


@virtually
async def test_what_does_not_fit_into_memory_waits_on_the_disk(tmp_path: Path) -> None:
    overflow = Spool(tmp_path)
    world = World(limit=50_000, overflow=overflow)
    world.keeper.away = True
    async with world.running():
        await world.wrote(lines(5000))
        await world.end()
        lag = world.shipper.lag()
        assert (lag.waiting, lag.again) == (5000, 0)
        await asyncio.sleep(600)
        assert world.shipper.lag().behind >= 500 * SECOND
        assert world.ledger.named == {"i1"}
        world.keeper.away = False
        await world.idle()
    assert await read(world.keeper) == segments(lines(5000))
    assert (world.ledger.named, overflow.oldest, world.source.reads) == (set(), None, 0)


@virtually
async def test_what_fits_neither_into_memory_nor_on_the_disk_is_read_from_the_source(tmp_path: Path) -> None:
    world = World(limit=50_000, overflow=Spool(tmp_path, limit=20_000))
    world.keeper.away = True
    async with world.running():
        await world.wrote(lines(5000))
        world.keeper.away = False
        await world.idle()
    assert await read(world.keeper) == segments(lines(5000))


@virtually
async def test_the_end_of_a_stream_is_taken_though_there_is_no_room() -> None:
    world = World(limit=1000)
    world.keeper.away = True
    records = lines(100)
    last = a_record(b"no line break", offset=sum(len(one.segment.data) for one in records), at=LATER)
    async with world.running():
        await world.wrote([*records, last])
        world.keeper.away = False
        await world.idle()
    assert (await read(world.keeper))[-1] == last.segment


@virtually
async def test_half_a_line_that_is_read_from_the_source_is_left_to_its_end() -> None:
    world = World(limit=1000)
    world.keeper.away = True
    async with world.running():
        records = lines(100)
        await world.wrote(records)
        end = sum(len(one.segment.data) for one in records)
        world.source.segments.append(a_record(b"half", offset=end, at=LATER).segment)
        world.keeper.away = False
        await world.idle()
        world.source.segments.pop()
        await world.wrote([a_record(b"half a line\n", offset=end, at=LATER)])
        await world.idle()
    assert (await read(world.keeper))[-1].data == b"half a line\n"


@virtually
async def test_what_is_not_to_be_seen_yet_is_read_later() -> None:
    world = World(limit=1000)
    world.keeper.away = True
    async with world.running():
        for record in lines(100):
            await world.shipper.write(record.segment)  # the source has nothing: secrets may be in it
        world.keeper.away = False
        await asyncio.sleep(30)
        assert not world.shipper.is_idle
        world.source.segments = segments(lines(100))
        await world.idle()
    assert await read(world.keeper) == segments(lines(100))


@virtually
async def test_batches_are_bounded() -> None:
    world = World()
    big = [a_record(b"x" * 9999 + b"\n", offset=number * 10_000) for number in range(400)]
    async with world.running():
        await world.wrote(big)
        await world.idle()
    assert max(world.keeper.batches) <= BATCH_BYTES // 10_000
    assert sum(world.keeper.batches) == 400


@virtually
async def test_a_keeper_that_refuses_some_gets_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.keeper.errors = [
        RecordsRefused("refuses 3 because of x", 3),
        RecordsRefused("refuses 2 because of x", 2),
    ]
    async with world.running():
        for start in (0, 10, 20):
            await world.wrote(lines(30)[start : start + 10])
            await asyncio.sleep(1)
    assert world.shipper.lag().refused == 5
    assert [record.getMessage() for record in caplog.records] == ["refuses 3 because of x"]


@virtually
async def test_what_somebody_has_to_repair_is_waited_for() -> None:
    world = World()
    world.keeper.errors = [Permanent("wrong password")] * 3
    async with world.running():
        await world.wrote(lines(10))
        await asyncio.sleep(5)
        assert world.shipper.lag().trouble == "wrong password"
        await world.idle()
    assert await read(world.keeper) == segments(lines(10))


@virtually
async def test_an_instance_is_named_until_its_last_line_has_arrived() -> None:
    world = World()
    world.keeper.away = True
    async with world.running():
        await world.wrote([*lines(10), *lines(5, instance="i2")])
        assert world.ledger.named == {"i1", "i2"}
        await world.end()
        await asyncio.sleep(10)
        assert world.ledger.named == {"i1", "i2"}
        world.keeper.away = False
        await world.idle()
        assert world.ledger.named == {"i2"}
        assert await world.shipper.close(SECOND)
        assert world.ledger.named == set()


@virtually
async def test_what_has_not_arrived_at_the_end_stays_named() -> None:
    world = World(limit=1000)
    world.keeper.away = True
    async with world.running():
        await world.wrote([*lines(100), *lines(1, instance="i2")])
        await asyncio.sleep(1)
        before = asyncio.get_running_loop().time()
        assert not await world.shipper.close(60 * SECOND)
        assert asyncio.get_running_loop().time() - before < 1, "nobody waits for a keeper that is away"
    assert world.ledger.named == {"i1", "i2"}


@virtually
async def test_what_a_process_left_is_read_from_the_source() -> None:
    world = World(ledger=Ledger("i1"), ended=True)
    records = [*lines(100), a_record(b"the end", offset=10_000, stream=Stream.STDERR)]
    world.source.segments = segments(records)
    world.shipper.adopt(world.ledger.open())
    async with world.running():
        await world.idle()
    assert len(await read(world.keeper)) == 101
    assert world.ledger.named == set()


@virtually
async def test_what_was_left_of_an_instance_that_goes_on_is_complete_when_it_has_ended() -> None:
    world = World(ledger=Ledger("i1"))
    tail = a_record(b"no line break", offset=10_000)
    world.source.segments = segments([*lines(10), tail])
    world.shipper.adopt(world.ledger.open())
    async with world.running():
        await world.idle()
        assert len(await read(world.keeper)) == 10
        assert world.ledger.named == {"i1"}
        world.ended = True
        await world.end()
        await world.idle()
    assert len(await read(world.keeper)) == 11
    assert world.ledger.named == set()


@virtually
async def test_a_lag_is_the_age_of_the_oldest_line() -> None:
    world = World()
    assert world.shipper.lag().behind == timedelta()
    await world.wrote([a_record(at=NOON - 3 * SECOND)])
    assert world.shipper.lag().behind == 3 * SECOND
    assert world.shipper.lag().waiting == 1
