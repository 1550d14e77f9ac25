"""The machine's clock and dice, the only place that touches them."""

import asyncio
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

# Waking a little late costs nothing; sleeping for years at once would overflow the loop's timers.
LONGEST_SLEEP: Final = timedelta(hours=1)


class SystemClock:
    """UTC by the machine's clock; within a process it never goes back."""

    def __init__(self) -> None:
        self._last = datetime.now(UTC)

    def now(self) -> datetime:
        self._last = max(self._last, datetime.now(UTC))
        return self._last

    async def sleep_until(self, when: datetime) -> None:
        while (left := when - self.now()) > timedelta():  # noqa: ASYNC110 - time is no event
            await asyncio.sleep(min(left, LONGEST_SLEEP).total_seconds())

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - it spreads retries, it keeps no secret

    def new_id(self) -> str:
        return uuid.uuid4().hex
