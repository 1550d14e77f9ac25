"""Publishing an event: an object of its own, which the operator offers to the steps that wait for it."""

from typing import Any

from wfe.errors import Permanent
from wfe.hosts.cli.cluster.objects import Object, event_object, fresh_name
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.cli.cluster.submitting import checked_duration
from wfe.kube import AlreadyExists
from wfe.model.codec import dump_json
from wfe.model.json import Json
from wfe.providers.customresource import WORKFLOW_EVENTS
from wfe.runtime.clock import SystemClock


class OtherEvent(Permanent):
    """There is another event of that name."""


async def publish(  # what an event has
    room: Room, event: str, key: str, payload: Json, *, name: str | None, expires_after: str | None
) -> tuple[str, bool]:
    """Publish an event, and return the name of its object and whether it is new.

    Raises:
        OtherEvent: there is another event of that name.
    """
    spec: dict[str, Any] = {
        "event": event,
        "key": key,
        "payloadJson": dump_json(payload),
        "publishedAt": room.client.now().isoformat(),
    }
    if expires_after is not None:
        spec["expiresAfter"] = checked_duration(expires_after, "--expires-after")
    body = event_object(name or fresh_name(event, SystemClock().new_id()), spec)
    return body["metadata"]["name"], await _make(room, body)


async def _make(room: Room, body: Object) -> bool:
    name = body["metadata"]["name"]
    try:
        await room.client.create(WORKFLOW_EVENTS, body, room.namespace)
    except AlreadyExists as error:
        there = (await room.client.get(WORKFLOW_EVENTS, name, room.namespace))["spec"]
        if all(there.get(field) == body["spec"][field] for field in ("event", "key", "payloadJson")):
            return error.unclear
        raise OtherEvent(f"there is another event named `{name}`; choose another --name") from error
    return True
