"""How long looking at an object takes, and how it goes."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wfe.hosts.kubernetes.metrics import Metrics

Key = tuple[str, str]
T = TypeVar("T")


def timed(metrics: Metrics, queue: str, work: Callable[[Key], Awaitable[T]]) -> Callable[[Key], Awaitable[T]]:
    """Return the same work, measured."""

    async def measured(key: Key) -> T:
        started = time.monotonic()
        result = "failed"
        try:
            done = await work(key)
            result = "done"
            return done
        finally:
            metrics.reconcile_seconds.labels(queue, result).observe(time.monotonic() - started)

    return measured
