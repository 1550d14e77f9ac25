"""Offered activities and who has claimed them."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from wfe.model import codec
from wfe.ports.store import ActivityClaim, ActivityOffer


@dataclass(slots=True)
class Offered:
    """An offer, how often it was claimed, and the claim that counts."""

    offer: ActivityOffer
    claims: int = 0
    claim: ActivityClaim | None = None

    def is_free(self, now: datetime) -> bool:
        return self.claim is None or self.claim.until <= now


class Activities:
    """Offers in the order they were made."""

    def __init__(self) -> None:
        self._offers: dict[tuple[str, str, int], Offered] = {}

    def offer(self, offer: ActivityOffer) -> None:
        copied = replace(offer, params=codec.load_json(codec.dump_json(offer.params)))
        self._offers.setdefault(_place(offer), Offered(copied))

    def withdraw(self, instance: str, path: str, attempt: int) -> None:
        self._offers.pop((instance, path, attempt), None)

    def forget(self, instance: str) -> None:
        self._offers = {place: one for place, one in self._offers.items() if place[0] != instance}

    def claim(self, name: str, worker: str, *, now: datetime) -> ActivityClaim | None:
        for offered in self._offers.values():
            if offered.offer.name == name and offered.is_free(now):
                offered.claims += 1
                token = _token(offered.offer, offered.claims)
                until = now + offered.offer.claim
                offered.claim = ActivityClaim(offer=offered.offer, token=token, worker=worker, until=until)
                return offered.claim
        return None

    def close(self, token: str, *, now: datetime) -> ActivityOffer | None:
        for offered in self._offers.values():
            if offered.claim and offered.claim.token == token and not offered.is_free(now):
                del self._offers[_place(offered.offer)]
                return offered.offer
        return None


def _place(offer: ActivityOffer) -> tuple[str, str, int]:
    return offer.instance, offer.path, offer.attempt


def _token(offer: ActivityOffer, claims: int) -> str:
    return sha256(f"{offer.instance}/{offer.path}/{offer.attempt}/{claims}".encode()).hexdigest()[:32]
