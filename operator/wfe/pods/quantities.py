"""Amounts of memory and processor time, as Kubernetes writes them."""

import re
from decimal import Decimal
from math import ceil
from typing import Final

_FORM: Final = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")
_UNITS: Final = {
    "": 1,
    **{letter: 1000**power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", start=1)},
    "ki": 1024,
}
MEBI: Final = 1024**2
_MOST: Final = 2**60


class NoAmount(ValueError):
    """A text that no amount is written like."""


def bytes_of(text: str) -> int:
    """Return the bytes that a text such as `512Mi` or `2G` means.

    Raises:
        NoAmount: it means none.
    """
    return _read(text, _UNITS, "`512Mi` or `10Gi`")


def thousandths_of(text: str) -> int:
    """Return the thousandths of a processor that a text such as `500m` or `1.5` means.

    Raises:
        NoAmount: it means none.
    """
    return _read(text, {"m": 1, "": 1000}, "`2` or `500m`")


def memory_text(amount: int) -> str:
    """Write an amount of bytes."""
    return f"{amount // MEBI}Mi" if amount % MEBI == 0 else str(amount)


def cpu_text(amount: int) -> str:
    """Write an amount of thousandths of a processor."""
    return str(amount // 1000) if amount % 1000 == 0 else f"{amount}m"


def _read(text: str, units: dict[str, int], example: str) -> int:
    found = _FORM.fullmatch(text)
    if found is None or found[2] not in units or len(found[1]) > 20:
        raise NoAmount(f"`{text[:60]}` is no amount; write one like {example}")
    amount = ceil(Decimal(found[1]) * units[found[2]])
    if not 0 < amount <= _MOST:
        raise NoAmount(f"`{text[:60]}` is no amount that anything has; write one like {example}")
    return amount
