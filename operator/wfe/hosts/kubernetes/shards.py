"""Which replica works on which instances. Pure.

Roots of instances hash to shards, and each shard belongs to the member that scores highest for it (rendezvous hashing:
Thaler and Ravishankar, 1998). Replicas that see the same members agree without a word, whoever joins takes only from
others what is its own now, and what a leaver had is divided among all.

Replicas do not see the same at the same moment. Let X and Y both work a shard, and X have looked first. Had both been
members at both looks, then both would give the shard to the same of them. So X has left in between, or Y has joined:

- X has left: its lease has ended, and it works nothing once its lease may have ended (`SURE` is less than the ttl).
- Y has joined: it works nothing until nobody may go by what was seen before that (`SETTLE` is more than `SURE`).

So no two work a shard at the same time as long as the leases tell the truth and clocks run about equally fast. When
they do not, it costs time: correctness lies in the resourceVersion, in claims and in derived names.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Protocol

SHARDS: Final = 256
# Whoever works this shard also does what is done once for all.
FIRST: Final = 0
TTL: Final = timedelta(seconds=10)
# For how many seconds a member goes by what it saw, and how many one who joins leaves the others to notice.
SURE: Final = 0.7 * TTL.total_seconds()
SETTLE: Final = SURE + 1.0


class Share(Protocol):
    """What a replica works, at this moment."""

    @property
    def worked(self) -> frozenset[int]:
        """The shards that it works."""
        ...

    def works(self, root: str) -> bool:
        """Tell whether the tree with that root instance is its to work on."""
        ...


class Everything:
    """The share of one who is alone."""

    worked: Final = frozenset(range(SHARDS))

    def works(self, root: str) -> bool:  # noqa: ARG002
        return True


def is_first(share: Share) -> bool:
    """Tell whether a replica does what is done once for all."""
    return FIRST in share.worked


def group_of(namespaces: Sequence[str]) -> str:
    """Name the replicas that share the work of these namespaces, none for all; no name is the beginning of another."""
    return "operator-of/" + "+".join(sorted(set(namespaces))) if namespaces else "operator"


def shard_of(root: str) -> int:
    """Return the shard of the tree with that root instance."""
    return _number(root) % SHARDS


def owner_of(shard: int, members: Collection[str]) -> str | None:
    """Return the member that the shard belongs to; None if there are no members."""
    return max(members, key=lambda member: (_number(f"{shard}/{member}"), member), default=None)


def shards_of(me: str, members: Collection[str]) -> frozenset[int]:
    """Return the shards that belong to a member."""
    return frozenset(shard for shard in range(SHARDS) if owner_of(shard, members) == me)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member knows. Times are seconds by a clock that only this replica goes by, and that never goes back.

    Attributes:
        owned: the shards that belong to it, by what it saw last.
        sure_until: when what it saw and its own lease may no longer be true.
        settled_at: when nobody goes by the time before it joined any more.
    """

    owned: frozenset[int]
    sure_until: float
    settled_at: float

    def worked(self, now: float) -> frozenset[int]:
        """Return the shards that it works now."""
        return self.owned if self.settled_at <= now < self.sure_until else frozenset()


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")
