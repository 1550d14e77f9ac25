"""Removing logs that are old."""

from datetime import timedelta
from typing import Final

from wfe.ports.clock import Clock
from wfe.ports.logs import LogStore
from wfe.runtime.copies.delivery import Delivery

EVERY: Final = timedelta(hours=1)


async def expire(logs: LogStore, keep: timedelta, clock: Clock) -> None:
    """Remove what is older than that, once an hour, until cancelled."""
    delivery = Delivery("removals of old logs", clock)
    while True:
        await delivery.persistently(lambda: logs.expire(before=clock.now() - keep))
        await clock.sleep_until(clock.now() + EVERY)
