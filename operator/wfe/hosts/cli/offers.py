"""A claimed activity as its worker reads it."""

from typing import Any

from wfe.ports.store import ActivityClaim


def plain_claim(claim: ActivityClaim) -> dict[str, Any]:
    """Return a claim as JSON data."""
    offer = claim.offer
    return {
        "token": claim.token,
        "name": offer.name,
        "params": dict(offer.params),
        "instance": offer.instance,
        "step": offer.path,
        "attempt": offer.attempt,
        "until": claim.until.isoformat(),
    }
