"""The queue: which instances want somebody to work on them, and when.

It is a hint. What is lost with it is found again in the store; what it tells twice is told apart by leases, by
compare-and-swap and by claims.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Taken:
    """A key that its taker works on; `token` proves it."""

    key: str
    token: str


class Queue(Protocol):
    """Keys with times. Each is in the queue at most once, and one taker at a time has it.

    Promise: a key that was put is given to somebody until somebody is done with it, whoever dies in between,
    as long as the technology keeps what it was told.
    """

    async def put(self, key: str, due: datetime) -> None:
        """Have a key given out at that time, or at once if it is past. An earlier time replaces a later one.

        A key that is taken meanwhile is given out again after its taker is done with it, or silent for too long.
        """
        ...

    async def take(self, limit: int, claim: timedelta) -> Sequence[Taken]:
        """Take at most `limit` keys that are due, oldest time first. Their takers have `claim` to renew or be done.

        A key whose taker was silent for longer than its claim is due again.
        """
        ...

    async def renew(self, taken: Sequence[Taken], claim: timedelta) -> Sequence[Taken]:
        """Extend claims; return those that have run out and were taken by others or are due again."""
        ...

    async def done(self, taken: Taken) -> bool:
        """End the work on a key. False, changing nothing, if the claim has run out and the key was given on."""
        ...

    async def wait(self, until: datetime) -> None:
        """Return when a key may be due, and not later than `until`.

        What another process put is noticed within about 100 ms, and a time that has come at that time.
        """
        ...
