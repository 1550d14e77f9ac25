"""Time and chance, as arguments."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The one source of time, waiting and chance of a host."""

    def now(self) -> datetime:
        """Return the time in UTC; it never goes back within a process."""
        ...

    async def sleep_until(self, when: datetime) -> None:
        """Return not before `when`."""
        ...

    def jitter(self) -> float:
        """Return a number from 0 to 1, for spreading retries."""
        ...

    def new_id(self) -> str:
        """Return a fresh id: 32 lower-case hexadecimal digits."""
        ...
