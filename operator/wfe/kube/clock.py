"""The API server's clock, as its Date headers prove it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

KEEP_SECONDS: Final = 60.0


class ServerClock:
    """Tells the time by the server, and is never ahead of what an answer proves.

    A Date header is cut to whole seconds, so when it arrives the server's time is at least that. Each answer proves
    a least difference between the two clocks, and the greatest of the last minute or two is used: it lies behind the
    server by what the luckiest of those answers took, and by at most a second more. Older proofs are forgotten,
    because two clocks drift apart, and a server's may be set back; the time told still never goes back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._older: float | None = None
        self._newer: float | None = None
        self._turned_at = 0.0
        self._last = datetime.min.replace(tzinfo=UTC)

    def heard(self, date: str | None) -> None:
        """Take in the Date header of an answer that arrives now; what is none is ignored."""
        proven = _seconds(date or "")
        if proven is None:
            return
        here = self._monotonic()
        if self._newer is None or here - self._turned_at >= KEEP_SECONDS:
            self._older, self._newer, self._turned_at = self._newer, proven - here, here
        else:
            self._newer = max(self._newer, proven - here)

    @property
    def is_set(self) -> bool:
        """Tell whether an answer has been heard."""
        return self._newer is not None

    def now(self) -> datetime:
        """Return the time in UTC.

        Raises:
            RuntimeError: no answer has been heard yet.
        """
        if self._newer is None:
            raise RuntimeError("the API server has not answered yet: open the client first")
        ahead = self._newer if self._older is None else max(self._newer, self._older)
        told = datetime.fromtimestamp(0, UTC) + timedelta(seconds=self._monotonic() + ahead)
        self._last = max(self._last, told)
        return self._last


@lru_cache(maxsize=1)
def _seconds(date: str) -> float | None:
    """Return a Date header as seconds since 1970; None if it is none. All answers of a second have the same."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
