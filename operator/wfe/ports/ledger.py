"""A ledger: of which instances something is on its way to a copy, kept where it survives this process."""

from collections.abc import Sequence
from typing import Protocol


class Ledger(Protocol):
    """Names instances from the first thing of them that is on its way until all of it has arrived."""

    def open(self) -> Sequence[str]:
        """Begin, and return the instances that processes which are gone have left; they are ours from now on."""
        ...

    def add(self, instance: str) -> None:
        """Name an instance; the same again changes nothing."""
        ...

    def remove(self, instance: str) -> None:
        """Strike an instance off; harmless if it is not there."""
        ...

    def close(self) -> None:
        """Leave what is still named to others."""
        ...


class NoLedger:
    """Forgets with the process: for whoever finds what is left by other means."""

    def open(self) -> Sequence[str]:
        return ()

    def add(self, instance: str) -> None: ...

    def remove(self, instance: str) -> None: ...

    def close(self) -> None: ...
