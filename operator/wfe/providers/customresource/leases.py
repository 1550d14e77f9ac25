"""Leases over `coordination.k8s.io`: who holds one is in the API server, how long still is in the eye of the beholder.

Clocks of two machines are never compared. Whoever wants a lease that another holds watches it, and takes it when it
has not changed for as long as it says it lasts. The fencing token is the number of times the lease was taken.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from wfe.kube import AlreadyExists, ApiConflict, ApiNotFound, Client
from wfe.kube.resource import LEASES
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.events import plain
from wfe.providers.customresource.names import GROUP

TRIES: Final = 5
SLACK: Final = timedelta(seconds=5)
_KEY: Final = f"{GROUP}/key"
Lease = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A lease as it was first seen in its present version."""

    version: str
    holder: str
    token: int
    lasts: timedelta
    renewed: datetime | None
    at: datetime

    def is_held(self, now: datetime) -> bool:
        return bool(self.holder) and now < self.at + self.lasts


@dataclass(frozen=True, slots=True)
class Lasting:
    """A lease that somebody holds, as far as one look tells.

    Attributes:
        age: how long ago it was renewed, by the clocks of its holder and of the API server; None if it does not say.
    """

    holder: str
    age: timedelta | None


@dataclass(slots=True)
class Observations:
    """What one process has seen of leases; its holders share it."""

    seen: dict[str, Seen] = field(default_factory=dict)

    def note(self, key: str, lease: Lease, now: datetime) -> Seen:
        """Take in a lease: one that is as it was before was last renewed when that was first seen."""
        version = lease["metadata"]["resourceVersion"]
        before = self.seen.get(key)
        if before is not None and before.version == version:
            return before
        spec = lease.get("spec", {})
        found = Seen(
            version=version,
            holder=spec.get("holderIdentity") or "",
            token=int(spec.get("leaseTransitions") or 0),
            lasts=timedelta(seconds=int(spec.get("leaseDurationSeconds") or 0)),
            renewed=_time_of(spec.get("renewTime")),
            at=now,
        )
        self.seen[key] = found
        return found


class KubernetesLeases:
    """The leases of one holder, as Lease objects of one namespace."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        holder: str,
        *,
        now: Callable[[], datetime],
        observations: Observations | None = None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._holder = plain(holder)
        self._now = now
        self._observations = observations or Observations()
        self._held: set[str] = set()

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        with translated(f"acquiring lease `{key}`"):
            for _ in range(TRIES):
                lease = await self._get(key)
                try:
                    token = (
                        await self._create(key, ttl) if lease is None else await self._take(key, lease, ttl)
                    )
                except (AlreadyExists, ApiConflict, ApiNotFound):
                    continue  # somebody was faster: see who
                if token is not None:
                    self._held.add(key)
                return token
        return None

    async def _create(self, key: str, ttl: timedelta) -> int:
        body = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {
                "name": lease_name(key),
                "labels": names.labels("lease"),
                "annotations": {_KEY: plain(key)},
            },
            "spec": self._spec(1, ttl),
        }
        now = self._now()
        self._note(key, await self._client.create(LEASES, body, self._namespace), now)
        return 1

    async def _take(self, key: str, lease: Lease, ttl: timedelta) -> int | None:
        seen = self._note(key, lease, self._now())
        is_held = seen.is_held(self._now())
        if is_held and seen.holder != self._holder:
            return None
        token = seen.token if is_held else seen.token + 1
        await self._write(key, seen.version, self._spec(token, ttl))
        return token

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        lost = []
        with translated("renewing leases"):
            for key in sorted(self._held):
                if not await self._renewed(key, ttl) and key in self._held:
                    self._held.discard(key)
                    lost.append(key)
        return lost

    async def _renewed(self, key: str, ttl: timedelta) -> bool:
        seen = self._observations.seen.get(key)
        for _ in range(TRIES):
            if seen is None or seen.holder != self._holder:
                lease = await self._get(key)
                seen = self._note(key, lease, self._now()) if lease else None
                if seen is None or seen.holder != self._holder:
                    return False
            try:
                await self._write(key, seen.version, self._spec(seen.token, ttl))
            except (ApiConflict, ApiNotFound):
                seen = None
            else:
                return True
        return False

    async def release(self, key: str) -> None:
        self._held.discard(key)
        with translated(f"releasing lease `{key}`"):
            for _ in range(TRIES):
                lease = await self._get(key)
                seen = self._note(key, lease, self._now()) if lease else None
                if seen is None or seen.holder != self._holder:
                    return
                try:
                    await self._write(key, seen.version, {"holderIdentity": None, "leaseDurationSeconds": 1})
                except (ApiConflict, ApiNotFound):
                    continue
                return

    async def holder(self, key: str) -> str | None:
        with translated(f"reading lease `{key}`"):
            lease = await self._get(key)
        seen = self._note(key, lease, self._now()) if lease else None
        return seen.holder if seen is not None and seen.is_held(self._now()) else None

    async def holders(self, prefix: str) -> Mapping[str, str]:
        found = {}
        with translated("reading leases"):
            async for lease in self._client.list(LEASES, self._namespace, labels=f"{names.ROLE}=lease"):
                key = str((lease["metadata"].get("annotations") or {}).get(_KEY))
                if key.startswith(plain(prefix)):
                    seen = self._note(key, lease, self._now())
                    if seen.is_held(self._now()) and not self._is_long_gone(seen):
                        found[key] = seen.holder
        return found

    def _is_long_gone(self, seen: Seen) -> bool:
        """Tell whether a lease that is new to us is old: both times are of the API server, so they compare roughly."""
        return seen.renewed is not None and self._client.now() > seen.renewed + seen.lasts + SLACK

    async def _get(self, key: str) -> Lease | None:
        try:
            return await self._client.get(LEASES, lease_name(key), self._namespace)
        except ApiNotFound:
            return None

    async def _write(self, key: str, version: str, spec: dict[str, Any]) -> None:
        # The lease lasts from before it was written, so it is never held longer than others believe.
        now = self._now()
        lease = await self._client.patch(
            LEASES, lease_name(key), self._namespace, {"spec": spec}, resource_version=version
        )
        self._note(key, lease, now)

    def _note(self, key: str, lease: Lease, now: datetime) -> Seen:
        return self._observations.note(key, lease, now)

    def _spec(self, token: int, ttl: timedelta) -> dict[str, Any]:
        # renewTime is for people, and makes a renewal a change: others see that it happened, not when.
        now = self._client.now().isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": max(1, math.ceil(ttl.total_seconds())),
            "leaseTransitions": token,
            "renewTime": now,
        }


async def lasting_leases(client: Client, namespace: str) -> Mapping[str, Lasting]:
    """Return, by their keys, the leases of a namespace that last, by the times that are written in them.

    It is for people: who is to go by a lease observes it, as `KubernetesLeases` does.
    """
    observations = Observations()
    found = {}
    async for lease in client.list(LEASES, namespace, labels=f"{names.ROLE}=lease"):
        key = str((lease["metadata"].get("annotations") or {}).get(_KEY))
        seen = observations.note(key, lease, client.now())
        age = None if seen.renewed is None else client.now() - seen.renewed
        if seen.holder and (age is None or age < seen.lasts):
            found[key] = Lasting(seen.holder, age)
    return found


def _time_of(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def lease_name(key: str) -> str:
    """Return the name of a lease's object."""
    return f"wfe-{names.slug(key, 40)}-{names.digest(key, 12)}"
