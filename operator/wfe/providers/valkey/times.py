"""Times as the scripts have them: whole microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(moment: datetime | timedelta) -> int:
    return (moment if isinstance(moment, timedelta) else moment - EPOCH) // _MICROSECOND
