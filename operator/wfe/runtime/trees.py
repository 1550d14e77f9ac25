"""Trees: an instance with its children, and their children, is held by one lease, named after its root."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from wfe.errors import Permanent
from wfe.model.instance import Instance
from wfe.ports.leases import Leases

TTL: Final = timedelta(seconds=10)


class HeldElsewhere(Permanent):
    """Another live process works on the instance."""


class Trees:
    """The trees that a host works on, and their leases. A lease saves work; correctness is the store's."""

    def __init__(self, leases: Leases, ttl: timedelta = TTL) -> None:
        self._leases = leases
        self._ttl = ttl
        self._driven: Counter[str] = Counter()

    async def claim(self, root: str) -> bool:
        """Take the lease of a tree. False if another living host has it."""
        return self._driven[root] > 0 or await self._leases.acquire(_lease(root), self._ttl) is not None

    async def hold(self, instance: Instance) -> None:
        """Take the lease of an instance's tree.

        Raises:
            HeldElsewhere: another living host has it.
        """
        if not await self.claim(root_of(instance)):
            holder = await self._leases.holder(_lease(root_of(instance)))
            raise HeldElsewhere(
                f"instance `{instance.name}` is being worked on by another process ({holder}); "
                "stop that one first, or wait until its lease runs out"
            )

    async def is_free(self, root: str) -> bool:
        """Say whether no living host, this one included, works on a tree."""
        return self._driven[root] <= 0 and await self._leases.holder(_lease(root)) is None

    def joined(self, instance: Instance) -> None:
        """An instance of the tree is driven here."""
        self._driven[root_of(instance)] += 1

    def left(self, root: str) -> bool:
        """An instance of the tree is no longer driven here. True if it was the last: the lease can go."""
        self._driven[root] -= 1
        if self._driven[root]:
            return False
        del self._driven[root]
        return True

    def roots(self) -> Sequence[str]:
        return sorted(self._driven)

    async def release(self, root: str) -> None:
        await self._leases.release(_lease(root))

    async def renew(self) -> frozenset[str]:
        """Extend all leases; return the roots of trees that another host has taken since."""
        lost = frozenset(await self._leases.renew(self._ttl))
        return frozenset(root for root in self._driven if _lease(root) in lost)


def root_of(instance: Instance) -> str:
    return instance.root or instance.id


def _lease(root: str) -> str:
    return f"instance/{root}"
