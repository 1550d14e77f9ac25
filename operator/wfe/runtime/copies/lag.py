"""How far a copy is behind."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Figures of one copy.

    Attributes:
        waiting: how many lines or instances are on their way.
        behind: the age of the oldest of them.
        again: of how many attempts or instances more has to be read from the source.
        arrived: how many have arrived since the start.
        refused: how many the copy can never take.
        trouble: why it does not go on just now; "" if it does.
    """

    waiting: int
    behind: timedelta
    again: int = 0
    arrived: int
    refused: int = 0
    trouble: str = ""
