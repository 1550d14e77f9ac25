from datetime import UTC, datetime
from typing import Any

import pytest

from wfe.expr.errors import ExpressionError
from wfe.expr.moment import parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31T18:00:00Z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31t18:00:00z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31 18:00:00+02:00", datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ("2026-12-31T18:00:00.123456789-01:30", datetime(2026, 12, 31, 19, 30, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_into_utc(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected
    assert parse_time(text).tzinfo is UTC


NONSENSE = [
    "",
    "2026-12-31",
    "2026-12-31T18:00:00",
    "18:00",
    "2026-13-01T00:00:00Z",
    "2026-W01-1T00:00:00Z",
    "now",
]


@pytest.mark.parametrize("text", [*NONSENSE, "0001-01-01T00:00:00+23:00", "2026-01-01T24:00:00Z", 5, None])
def test_anything_else_is_an_error(text: Any) -> None:
    with pytest.raises(ExpressionError, match="is not a time; write"):
        parse_time(text)
