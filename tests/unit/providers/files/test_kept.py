"""Logs that are handed over survive a process that is killed while it writes them."""

from pathlib import Path

import pytest

from wfe.providers.files.kept import keep, kept_attempts
from wfe.testing.logs_contract import lines


@pytest.mark.parametrize(
    "left", ["1", "12 6", "12 6 2030-01-01T12:00:00+00:00", "12 6 2030-01-01T12:00:00+00"]
)
def test_half_a_line_is_not_kept_and_harms_nobody(tmp_path: Path, left: str) -> None:
    records = lines(5)
    keep(tmp_path, records[:1])
    (index,) = tmp_path.glob("*/*/stdout.kept")
    with index.open("a") as file:
        file.write(left)
    keep(tmp_path, records)
    (attempt,) = kept_attempts(tmp_path)
    assert [line.record() for line in attempt.lines()] == records


def test_a_stream_is_a_file_of_its_bytes(tmp_path: Path) -> None:
    records = lines(20)
    keep(tmp_path, records[10:])
    keep(tmp_path, records[:12])
    (stream,) = tmp_path.glob("*/*/stdout")
    assert stream.read_bytes() == b"".join(record.segment.data for record in records)


def test_what_is_being_made_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "i1" / "t").mkdir(parents=True)
    (tmp_path / "i1" / "t" / "about.json").write_text("{")
    assert list(kept_attempts(tmp_path)) == []
