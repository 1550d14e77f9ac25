"""Trying again what can succeed later."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

from wfe.errors import Retryable
from wfe.ports.clock import Clock

T = TypeVar("T")
_PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (0.05, 0.2, 1, 5))


async def pause(clock: Clock, attempt: int) -> None:
    """Wait before trying again: shortly after the first attempt (1), longer after later ones."""
    await clock.sleep_until(clock.now() + _PAUSES[min(attempt, len(_PAUSES)) - 1])


async def persistently(clock: Clock, call: Callable[[], Awaitable[T]], *, attempts: int | None = None) -> T:
    """Call until it succeeds, or until that many attempts have met a Retryable."""
    attempt = 0
    while True:
        try:
            return await call()
        except Retryable:
            attempt += 1
            if attempt == attempts:
                raise
            await pause(clock, attempt)
