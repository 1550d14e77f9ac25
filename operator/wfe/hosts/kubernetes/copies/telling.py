"""How far copies are behind, in words."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from wfe.runtime.copies.lag import Lag

# A copy that is a moment behind is as it should be.
WORTH_TELLING: Final = timedelta(seconds=5)


def told(lags: Mapping[str, Lag]) -> Sequence[str]:
    """Return a line for each copy that is behind, or has refused something."""
    return [f"copy `{name}`: {said}" for name, lag in lags.items() if (said := _said(lag))]


def _said(lag: Lag) -> str:
    said = []
    if lag.trouble or lag.behind > WORTH_TELLING:
        again = f", {lag.again} to be read again" if lag.again else ""
        said.append(f"{lag.behind.total_seconds():.0f} s behind, {lag.waiting} on their way{again}")
    if lag.refused:
        said.append(f"{lag.refused} refused for good, see the log")
    if lag.trouble:
        said.append(lag.trouble)
    return "; ".join(said)
