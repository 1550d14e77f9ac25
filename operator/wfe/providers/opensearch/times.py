"""The indices that lines of a time belong to.

Times of OpenSearch are good to the millisecond; what is ordered and compared is microseconds (`wfe.model.times`).
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from wfe.model.times import EPOCH, to_micros


def period_of(moment: datetime, form: str) -> str:
    """Return the name of the day or month (a form of `strftime`) that a time lies in, in UTC."""
    return _period_of_hour(to_micros(moment) // 3_600_000_000, form)


@lru_cache(maxsize=64)
def _period_of_hour(hour: int, form: str) -> str:
    return (EPOCH + timedelta(hours=hour)).strftime(form)


def end_of(period: str) -> datetime | None:
    """Return when a day (`2030.01.31`) or month (`2030.01`) is over; None if it is neither."""
    try:
        numbers = [int(part) for part in period.split(".")]
        match numbers:
            case [year, month]:
                last = datetime(year, month, 28, tzinfo=UTC)
                return (last + timedelta(days=4)).replace(day=1)
            case [year, month, day]:
                return datetime(year, month, day, tzinfo=UTC) + timedelta(days=1)
            case _:
                return None
    except ValueError:
        return None
