"""The replicas of operators, as their leases tell of them, and what falls to each."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from wfe.hosts.kubernetes.shards import FIRST, owner_of, shards_of

# As `group_of` names groups, and `Membership` their slots.
_SLOT: Final = re.compile(r"(?P<group>operator(-of/[^/]+)?)/(?P<number>\d+)")


@dataclass(frozen=True, slots=True)
class Member:
    """One replica.

    Attributes:
        name: of the replica; a pod's name in a cluster.
        lease: the key of its lease; replicas whose leases differ by the number alone share the work.
        shards: how many fall to it. Whoever has just joined takes them up after some seconds.
        is_first: whether what is done once for all falls to it.
        renewed: how long ago it gave its last sign of life; None where the leases do not tell.
    """

    name: str
    lease: str
    shards: int
    is_first: bool
    renewed: timedelta | None = None

    def shown(self) -> Mapping[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "lease": self.lease,
            "shards": self.shards,
            "first": self.is_first,
            "renewedSecondsAgo": None if self.renewed is None else round(self.renewed.total_seconds(), 1),
        }


def members_of(holders: Mapping[str, str], ages: Mapping[str, timedelta]) -> Sequence[Member]:
    """Return the replicas that hold leases, by group and slot.

    Args:
        holders: who holds which lease now, by key; those that are no operator's are left out.
        ages: how long ago leases were renewed, as far as that is known.
    """
    slots = sorted(
        (slot["group"], int(slot["number"]), key)
        for key in holders
        if (slot := _SLOT.fullmatch(key)) is not None
    )
    groups: dict[str, set[str]] = {}
    for group, _, key in slots:
        groups.setdefault(group, set()).add(holders[key])
    return [_member(key, holders[key], groups[group], ages.get(key)) for group, _, key in slots]


def _member(key: str, name: str, members: Collection[str], age: timedelta | None) -> Member:
    return Member(name, key, len(shards_of(name, members)), owner_of(FIRST, members) == name, age)
