"""Segments that wait on the disk come back in order, each once; a full disk takes no more, and loses none."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from wfe.ports.logs import Segment, Stream
from wfe.providers.files.spool import FILE_BYTES, PIECE, Spool
from wfe.testing.builders import NOON
from wfe.testing.logs_contract import ODD_BYTES, a_record, lines

LINES = [record.segment for record in lines(50_000)]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path)) as spool:
        yield spool


def taken(spool: Spool) -> list[Segment]:
    found: list[Segment] = []
    while some := spool.take():
        found += some
    return found


@pytest.mark.parametrize("name", sorted(ODD_BYTES))
def test_a_segment_comes_back_as_it_was(name: str, spool: Spool) -> None:
    at = NOON + timedelta(microseconds=7)
    path = "each[2]/\udcff/Straße"
    segment = a_record(
        ODD_BYTES[name], at=at, stream=Stream.STDERR, attempt=3, offset=2**40, path=path
    ).segment
    assert spool.add(segment)
    assert spool.take() == [segment]
    assert spool.take() == []


def test_what_came_first_goes_first_whenever_it_is_asked_for(spool: Spool) -> None:
    found: list[Segment] = []
    for number, segment in enumerate(LINES):
        assert spool.add(segment)
        if number % 9000 == 0:
            found += spool.take()
    assert len(found) < len(LINES)
    assert found + taken(spool) == LINES


def test_files_have_no_names_and_are_given_back_once_they_are_read(spool: Spool, tmp_path: Path) -> None:
    before = open_files()
    big = [
        a_record(b"x" * 16_000, offset=number * 16_000).segment for number in range(3 * FILE_BYTES // 16_000)
    ]
    for segment in big:
        assert spool.add(segment)
    assert (list(tmp_path.iterdir()), open_files()) == ([], before + 3)
    assert taken(spool) == big
    assert open_files() == before
    spool.close()


def test_what_is_closed_is_empty(spool: Spool) -> None:
    before = open_files()
    for segment in LINES:
        spool.add(segment)
    spool.close()
    assert taken(spool) == []
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_tells_how_old_the_first_is(spool: Spool) -> None:
    ages: list[datetime] = []
    for segment in LINES:
        spool.add(segment)
    while (oldest := spool.oldest) is not None:
        ages.append(oldest)
        assert spool.take()[0].at == oldest
    assert len(ages) > 1
    assert ages == sorted(ages)


def test_there_is_a_limit(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, limit=100_000)) as spool:
        fit = [segment for segment in LINES if spool.add(segment)]
        assert 100 < len(fit) < len(LINES)
        assert taken(spool) == fit
        assert spool.add(LINES[0])


def test_a_directory_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "not-there")
    fit = [segment for segment in LINES if spool.add(segment)]
    assert 0 < len(fit) < len(LINES)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "lines of logs that do not fit into memory cannot wait on the disk"
    ]
    assert taken(spool) == fit


def test_a_disk_that_is_full_in_the_middle_of_a_piece_loses_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 2 * PIECE + 1000
    write = os.pwrite

    def pwrite(file: int, data: memoryview, place: int) -> int:
        left = room - place
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:left], place)

    monkeypatch.setattr(os, "pwrite", pwrite)
    fit = [segment for segment in LINES if spool.add(segment)]
    assert len(fit) < len(LINES)
    assert taken(spool) == fit
    assert spool.add(LINES[0])


def test_a_disk_that_has_lost_what_was_on_it_is_an_error(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for segment in LINES:
        spool.add(segment)
    monkeypatch.setattr(os, "pread", lambda *_: b"")
    with pytest.raises(OSError, match="has lost lines of logs"):
        spool.take()
