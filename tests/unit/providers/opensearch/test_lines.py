"""Log lines as documents: ids and indices that are the same however often and whenever a line is written."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from wfe.providers.opensearch.address import Address
from wfe.providers.opensearch.bulk import Item, batches
from wfe.providers.opensearch.lines import item_of
from wfe.providers.opensearch.times import end_of
from wfe.testing.logs_contract import a_record

DAILY, MONTHLY = Address(host="os"), Address(host="os", period="%Y.%m")


@pytest.mark.parametrize(
    ("address", "at", "index"),
    [
        pytest.param(DAILY, datetime(2030, 1, 31, 23, 59, 59, 999999, UTC), "wfe-logs-2030.01.31", id="day"),
        pytest.param(DAILY, datetime(2030, 2, 1, tzinfo=UTC), "wfe-logs-2030.02.01", id="next-day"),
        pytest.param(MONTHLY, datetime(2030, 1, 31, 23, tzinfo=UTC), "wfe-logs-2030.01", id="month"),
        pytest.param(
            DAILY,
            datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "wfe-logs-2029.12.31",
            id="days-are-those-of-utc",
        ),
    ],
)
def test_a_line_belongs_to_the_index_of_its_time(address: Address, at: datetime, index: str) -> None:
    assert json.loads(item_of(a_record(at=at), address).action)["create"]["_index"] == index


@pytest.mark.parametrize(
    ("path", "id_"),
    [
        pytest.param("each[1]/build", "i1/each[1]/build/1/stdout/7", id="readable"),
        pytest.param("x" * 600, None, id="longer-than-an-id-may-be"),
        pytest.param("\ud800", None, id="half-a-character"),
    ],
)
def test_an_id_says_what_it_is_of(path: str, id_: str | None) -> None:
    action = json.loads(item_of(a_record(path=path, offset=7), DAILY).action)["create"]
    assert id_ in {None, action["_id"]}
    assert len(action["_id"].encode()) <= 512
    assert action["_id"] != json.loads(item_of(a_record(path=path, offset=8), DAILY).action)["create"]["_id"]


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("2030.01.31", datetime(2030, 2, 1, tzinfo=UTC)),
        ("2030.12", datetime(2031, 1, 1, tzinfo=UTC)),
        ("2030.02", datetime(2030, 3, 1, tzinfo=UTC)),
        ("2030.13", None),
        ("2030", None),
        ("000001", None),
        ("", None),
        ("2030.01.31-old", None),
    ],
)
def test_a_period_ends(period: str, end: datetime | None) -> None:
    assert end_of(period) == end


def test_batches_are_of_bytes() -> None:
    sizes = [10, 10, 10, 100, 10]
    items = [Item(b"", b"x" * (size - 2)) for size in sizes]
    assert [[item.size for item in batch] for batch in batches(items, 25)] == [[10, 10], [10], [100], [10]]
    assert list(batches([])) == []
