"""Trying again, for those who may not fail for what may pass."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from wfe.errors import Retryable

_FIRST_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 5.0
_DOUBLINGS: Final = 10

T = TypeVar("T")


def pause(failures: int) -> float:
    """Return how long to wait after so many failures in a row, in seconds."""
    return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(failures - 1, _DOUBLINGS)) if failures else 0.0


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do something until it succeeds or fails for good."""
    failures = 0
    while True:
        try:
            return await work()
        except Retryable:
            failures += 1
            await asyncio.sleep(pause(failures))
