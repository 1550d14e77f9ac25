"""How long to wait before the next attempt."""

from datetime import timedelta
from typing import Final

from wfe.graph.node import ErrorBehavior

LONGEST: Final = timedelta(days=365)
LOST_PAUSE: Final = timedelta(seconds=1)


def backoff(behavior: ErrorBehavior, retries: int, *, jitter: float) -> timedelta:
    """Return the pause before retry number `retries` (from 1).

    Args:
        behavior: interval, factor, ceiling and spread.
        retries: which retry it is.
        jitter: a number from 0 to 1; the pause is stretched by up to `behavior.jitter` of itself.
    """
    ceiling = min(behavior.max_interval or LONGEST, LONGEST)
    try:
        pause = behavior.interval * behavior.backoff ** (retries - 1)
    except OverflowError:
        pause = ceiling
    return min(pause, ceiling) * (1 + behavior.jitter * jitter)
