"""Time in contract suites: it passes when the test says so."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wfe.testing.builders import NOON


class PassingTime(Protocol):
    """The time by which a provider judges. Where a server's clock rules, passing is moving what is kept into the past.

    So a time that was computed before time passed is worth nothing afterwards: ask `now` again.
    """

    def now(self) -> datetime: ...

    async def pass_time(self, by: timedelta) -> None: ...


@dataclass
class Hand:
    """The hand of a clock that a test moves."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by

    async def pass_time(self, by: timedelta) -> None:
        self.move(by)
