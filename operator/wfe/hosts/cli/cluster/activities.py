"""The workers' side of activities in a cluster: an offer is taken by its Lease, and reported by a WorkflowEvent."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from wfe.hosts.cli.cluster.objects import event_object
from wfe.hosts.cli.cluster.room import MANAGER, Room
from wfe.hosts.embedded.activities import ClaimLost
from wfe.kube import AlreadyExists
from wfe.model.codec import dump_json
from wfe.model.json import Json
from wfe.ports.store import ActivityClaim, ActivityOffer
from wfe.providers.customresource import WORKFLOW_EVENTS
from wfe.providers.customresource.activities import Activities
from wfe.providers.customresource.room import Room as Shared

LOOK_SECONDS: Final = 1.0


async def fetch(room: Room, name: str, *, worker: str, wait: float) -> ActivityClaim | None:
    """Take the oldest offer of that name; wait for one at most so many seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        claim = await room.store.claim_activity(name, worker, now=room.client.now())
        if claim is not None or loop.time() >= until:
            return claim
        await asyncio.sleep(min(LOOK_SECONDS, max(0.0, until - loop.time())))


async def report(
    room: Room, token: str, *, outputs: Mapping[str, Json] | None = None, error: str | None = None
) -> None:
    """Say how an activity went. Of two reports of one claim the first counts.

    Raises:
        ClaimLost: the claim is no longer this worker's.
    """
    offer = await _claimed(room, token)
    spec: dict[str, Any] = {
        "activity": {
            "instance": offer.instance,
            "path": offer.path,
            "attempt": offer.attempt,
            "token": token,
        }
    }
    if error is not None:
        spec |= {"outcome": "Failed", "error": error}
    else:
        spec |= {"outcome": "Complete", "outputsJson": dump_json(dict(outputs or {}))}
    name = f"report-{sha256(token.encode()).hexdigest()[:24]}"
    try:
        await room.client.create(WORKFLOW_EVENTS, event_object(name, spec), room.namespace)
    except AlreadyExists:
        # The name is the claim's, so that a report was made already: an earlier try of this one, or another.
        return


async def _claimed(room: Room, token: str) -> ActivityOffer:
    activities = Activities(Shared(room.client, room.namespace, MANAGER))
    found = await activities.claimed(token, now=room.client.now())
    if found is None:
        raise ClaimLost("the claim has expired or was taken back; fetch the activity again")
    _, offer = found
    return offer
