"""Offered activities: a Lease object each. Holding one is holding its lease, by compare-and-swap."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from wfe.kube import AlreadyExists, ApiConflict, ApiNotFound
from wfe.kube.resource import LEASES
from wfe.model.codec import dump_json, load_json
from wfe.ports.store import ActivityClaim, ActivityOffer
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import StoreRefused, translated
from wfe.providers.customresource.events import plain
from wfe.providers.customresource.names import GROUP, ID, ROLE
from wfe.providers.customresource.room import Room

BIGGEST: Final = 64 * 1024
_ACTIVITY: Final = f"{GROUP}/activity"
_TOKEN: Final = f"{GROUP}/token"
_OFFER: Final = f"{GROUP}/offer"
_OFFERED: Final = f"{GROUP}/offered-at"
_UNTIL: Final = f"{GROUP}/until"
_CLAIMS: Final = f"{GROUP}/claims"
Lease = dict[str, Any]


class Activities:
    """The offered activities of one namespace."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._last_offer = ""

    async def offer(self, offer: ActivityOffer) -> None:
        """Make the Lease; one that is there already is left as it is."""
        text = _text_of(offer)
        if len(text) > BIGGEST:
            raise StoreRefused(
                f"the parameters of activity `{offer.name}` have {len(text)} bytes, the limit is {BIGGEST}"
            )
        with translated(f"offering activity `{offer.name}`"), suppress(AlreadyExists):
            await self._room.client.create(LEASES, self._body(offer, text), self._room.namespace)
        self._room.table.changed.set()

    def _body(self, offer: ActivityOffer, text: str) -> Lease:
        kept = self._room.table.get(offer.instance)
        metadata = self._room.metadata_of(kept, "activity") if kept else {}
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {
                **metadata,
                "name": names.activity_name(offer.instance, offer.path, offer.attempt),
                "labels": names.labels("activity", id=offer.instance, activity=plain(offer.name)),
                "annotations": {_OFFER: text, _OFFERED: self._next_time(), _CLAIMS: "0"},
            },
            "spec": {},
        }

    def _next_time(self) -> str:
        """Return the time, later than that of the offer before."""
        now = self._room.client.now().isoformat(timespec="microseconds")
        if now <= self._last_offer:
            last = datetime.fromisoformat(self._last_offer)
            now = (last + timedelta(microseconds=1)).isoformat(timespec="microseconds")
        self._last_offer = now
        return now

    async def withdraw(self, instance: str, path: str, attempt: int) -> None:
        """Delete the Lease."""
        name = names.activity_name(instance, path, attempt)
        with translated("withdrawing an activity"):
            await self._room.client.delete(LEASES, name, self._room.namespace)

    async def forget(self, instance: str) -> None:
        """Delete every Lease of an instance."""
        selector = f"{ROLE}=activity,{ID}={names.label(instance)}"
        await self._room.client.delete_all(LEASES, self._room.namespace, labels=selector)

    async def claim(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        """Take the oldest offer that nobody holds."""
        with translated(f"claiming activity `{name}`"):
            found = [one async for one in self._offered(f"{_ACTIVITY}={names.label(plain(name))}")]
            for lease in sorted(found, key=lambda one: str(_said(one, _OFFERED))):
                offer = _offer_in(lease)
                if offer is not None and offer.name == name and _is_free(lease, now):
                    claimed = await self._take(lease, offer, worker, now)
                    if claimed is not None:
                        return claimed
        return None

    async def _offered(self, selector: str) -> AsyncIterator[Lease]:
        async for found in self._room.client.list(
            LEASES, self._room.namespace, labels=f"{ROLE}=activity,{selector}"
        ):
            yield found

    async def _take(
        self, lease: Lease, offer: ActivityOffer, worker: str, now: datetime
    ) -> ActivityClaim | None:
        claims = int(_said(lease, _CLAIMS) or 0) + 1
        token = names.digest(f"{lease['metadata']['uid']}/{claims}", 32)
        until = now + offer.claim
        patch = {
            "metadata": {
                "labels": {_TOKEN: token},
                "annotations": {_CLAIMS: str(claims), _UNTIL: until.isoformat()},
            },
            "spec": {"holderIdentity": plain(worker)},
        }
        try:
            await self._room.client.patch(
                LEASES,
                lease["metadata"]["name"],
                self._room.namespace,
                patch,
                resource_version=lease["metadata"]["resourceVersion"],
            )
        except (ApiConflict, ApiNotFound):
            return None  # another worker was faster
        return ActivityClaim(offer=offer, token=token, worker=worker, until=until)

    async def close(self, token: str, *, now: datetime) -> ActivityOffer | None:
        """Delete the Lease that the token's claim holds."""
        with translated("closing an activity"):
            found = await self.claimed(token, now=now)
            if found is None:
                return None
            lease, offer = found
            metadata = lease["metadata"]
            try:
                deleted = await self._room.client.delete(
                    LEASES,
                    metadata["name"],
                    self._room.namespace,
                    uid=metadata["uid"],
                    resource_version=metadata["resourceVersion"],
                )
            except ApiConflict:
                return None
            return offer if deleted else None

    async def claimed(self, token: str, *, now: datetime) -> tuple[Lease, ActivityOffer] | None:
        """Return the Lease and the offer that a claim holds; None if it holds none, or no more."""
        if names.label(token) != token or not token:
            return None
        async for lease in self._offered(f"{_TOKEN}={token}"):
            offer = _offer_in(lease)
            if offer is not None and not _is_free(lease, now):
                return lease, offer
        return None


def _text_of(offer: ActivityOffer) -> str:
    return dump_json(
        {
            "instance": offer.instance,
            "path": offer.path,
            "attempt": offer.attempt,
            "name": offer.name,
            "params": dump_json(offer.params),
            "claim": offer.claim.total_seconds(),
        }
    )


def _offer_in(lease: Lease) -> ActivityOffer | None:
    text = _said(lease, _OFFER)
    if text is None:
        return None
    said = load_json(text)
    return ActivityOffer(
        instance=said["instance"],
        path=said["path"],
        attempt=said["attempt"],
        name=said["name"],
        params=load_json(said["params"]),
        claim=timedelta(seconds=said["claim"]),
    )


def _is_free(lease: Lease, now: datetime) -> bool:
    until = _said(lease, _UNTIL)
    return until is None or datetime.fromisoformat(until) <= now


def _said(lease: Lease, annotation: str) -> str | None:
    value = lease["metadata"].get("annotations", {}).get(annotation)
    return value if isinstance(value, str) else None
