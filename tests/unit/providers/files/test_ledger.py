"""A ledger tells the next process what the last one had on its way."""

from pathlib import Path

import pytest

from wfe.providers.files import FileLedger


def test_what_is_on_its_way_is_left_to_the_next(tmp_path: Path) -> None:
    mine = FileLedger(tmp_path, "mine")
    assert mine.open() == []
    for instance in ("a", "b/c", "é"):
        mine.add(instance)
    mine.add("a")
    mine.remove("b/c")
    mine.remove("nobody")
    mine.close()
    yours = FileLedger(tmp_path, "yours")
    assert sorted(yours.open()) == ["a", "é"]
    yours.remove("a")
    yours.close()
    assert FileLedger(tmp_path, "theirs").open() == ["é"]


def test_nobody_takes_over_from_a_process_that_lives(tmp_path: Path) -> None:
    mine, yours = FileLedger(tmp_path, "mine"), FileLedger(tmp_path, "yours")
    mine.open()
    mine.add("a")
    assert yours.open() == []
    mine.close()
    assert FileLedger(tmp_path, "theirs").open() == ["a"]


@pytest.mark.parametrize("count", [0, 1])
def test_what_is_done_leaves_nothing(tmp_path: Path, count: int) -> None:
    ledger = FileLedger(tmp_path, "mine")
    ledger.open()
    for number in range(count):
        ledger.add(str(number))
        ledger.remove(str(number))
    ledger.close()
    ledger.close()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
