"""Times as they are stored and compared: whole microseconds since 1970 in UTC, which is what a `datetime` has."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(moment: datetime | timedelta) -> int:
    """Return the microseconds of a duration, or of the time since 1970."""
    return (moment if isinstance(moment, timedelta) else moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the time that is so many microseconds after the beginning of 1970."""
    return EPOCH + timedelta(microseconds=micros)
