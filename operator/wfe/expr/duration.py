"""Durations: `500ms 30s 10m 2h 1d`, sums such as `1m30s`, and bare numbers, which are seconds."""

import math
import re
from datetime import timedelta
from typing import Final

from wfe.expr.errors import ExpressionError
from wfe.model.forms import dump_json
from wfe.model.json import Json

LONGEST: Final = timedelta(days=3660)
FORMS: Final = "write a number of seconds, or `500ms`, `30s`, `10m`, `2h`, `1d`, or a sum such as `1m30s`"
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_SUM: Final = re.compile(
    r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,12})s)?(?:(\d{1,15})ms)?", re.ASCII
)
_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def parse_duration(value: Json) -> timedelta:
    """Read a duration.

    Raises:
        ExpressionError: it is none, negative, or longer than ten years.
    """
    milliseconds = _milliseconds(value.strip() if isinstance(value, str) else value)
    if milliseconds is None:
        raise ExpressionError(f"{dump_json(value)[:60]} is not a duration; {FORMS}")
    if milliseconds > LONGEST / timedelta(milliseconds=1):
        raise ExpressionError(f"{dump_json(value)[:60]} is too long; the longest duration is {LONGEST.days}d")
    return timedelta(milliseconds=milliseconds)


def _milliseconds(value: Json) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value * 1000 if value >= 0 and math.isfinite(value) else None
    if not isinstance(value, str) or not value:
        return None
    if _NUMBER.fullmatch(value) and len(value) < 20:
        return float(value) * 1000
    found = _SUM.fullmatch(value)
    if found is None:
        return None
    return sum(int(count or 0) * unit for count, (_, unit) in zip(found.groups(), _UNITS, strict=True))


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads it back, to the millisecond."""
    rest = round(duration / timedelta(milliseconds=1))
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
