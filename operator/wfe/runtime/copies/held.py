"""Who still has something of an instance on its way: the ledger names it until nobody has."""

from collections.abc import Sequence

from wfe.ports.ledger import Ledger


class Held:
    """A ledger that several share; each holds an instance for itself."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._holders: dict[str, set[str]] = {}

    def open(self) -> Sequence[str]:
        """Begin, and return the instances that others have left, which are held until somebody has seen to them."""
        return self._ledger.open()

    def hold(self, instance: str, by: str) -> None:
        """Name an instance."""
        holders = self._holders.setdefault(instance, set())
        if not holders:
            self._ledger.add(instance)
        holders.add(by)

    def let_go(self, instance: str, by: str) -> None:
        """Strike an instance off, unless somebody else holds it."""
        holders = self._holders.get(instance)
        if holders is None:
            return
        holders.discard(by)
        if not holders:
            del self._holders[instance]
            self._ledger.remove(instance)

    def of(self, by: str) -> Sequence[str]:
        """Return what one of them holds."""
        return [instance for instance, holders in self._holders.items() if by in holders]

    def close(self) -> None:
        """Leave what is held to others."""
        self._ledger.close()
