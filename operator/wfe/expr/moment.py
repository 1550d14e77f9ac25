"""Moments: RFC 3339 times, always with their offset."""

import re
from datetime import UTC, datetime
from typing import Final

from wfe.expr.errors import ExpressionError

_RFC_3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def parse_time(text: object) -> datetime:
    """Read an RFC 3339 time; the result is in UTC.

    Raises:
        ExpressionError: it is none.
    """
    found = _RFC_3339.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is not None:
        date, clock, fraction, zone = found.groups()
        offset = "+00:00" if zone in "Zz" else zone
        try:
            # Digits past the microsecond are dropped, and what would leave the years 1 to 9999 is refused.
            moment = datetime.fromisoformat(f"{date}T{clock}.{(fraction or '0')[:6]:0<6}{offset}")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ExpressionError(
        f"`{str(text)[:60]}` is not a time; write date, time and offset (RFC 3339) as `2026-12-31T18:00:00Z`"
    )
