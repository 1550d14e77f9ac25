from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.expr.duration import LONGEST, format_duration, parse_duration
from wfe.expr.errors import ExpressionError


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("1m30s", 90),
        ("1d2h3m4s5ms", 93784.005),
        ("1m500ms", 60.5),
        (" 30s ", 30),
        (30, 30),
        (1.5, 1.5),
        ("30", 30),
        ("0.25", 0.25),
        (0, 0),
        ("0s", 0),
        ("120m", 7200),
    ],
)
def test_durations_that_are_read(value: Any, seconds: float) -> None:
    assert parse_duration(value) == timedelta(seconds=seconds)


NONSENSE = ["", "x", "10x", "-5s", "1.5h", "30s1m", "1m1m", "5 m", "1M", "s", "1e3", "٣s", "inf", -1, -0.5]
NO_TEXT_OR_NUMBER: list[Any] = [True, None, [], {}]


@pytest.mark.parametrize("value", [*NONSENSE, *NO_TEXT_OR_NUMBER])
def test_everything_else_is_an_error(value: Any) -> None:
    with pytest.raises(ExpressionError, match="is not a duration; write"):
        parse_duration(value)


@pytest.mark.parametrize("value", [10**30, "99999999d", 1e308, LONGEST.total_seconds() + 1])
def test_a_duration_has_a_longest_value(value: Any) -> None:
    with pytest.raises(ExpressionError, match="the longest duration is 3660d"):
        parse_duration(value)


@given(st.timedeltas(min_value=timedelta(0), max_value=LONGEST))
def test_what_is_written_is_read_back_to_the_millisecond(duration: timedelta) -> None:
    assert abs(parse_duration(format_duration(duration)) - duration) <= timedelta(milliseconds=0.5)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "1m30s"), (0.5, "500ms"), (90061, "1d1h1m1s")])
def test_a_duration_is_written_short(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text
