"""Events: WorkflowEvent objects, in the order of their resource versions, which is the order in which they came.

The index is what the informer has seen, and nothing else: it hears of events in their order, so a waiter that takes
one has been offered all before it. An own event is therefore waited for, not put in.
"""

import asyncio
from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wfe.expr.duration import parse_duration
from wfe.expr.errors import ExpressionError
from wfe.kube import AlreadyExists, ApiNotFound
from wfe.model.codec import NotJson, dump_json, load_json
from wfe.model.event import Event
from wfe.model.json import Json
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import StoreRefused, translated
from wfe.providers.customresource.kinds import EventObject
from wfe.providers.customresource.names import WORKFLOW_EVENTS
from wfe.providers.customresource.room import Room

BIGGEST: Final = 64 * 1024
LIFE: Final = timedelta(hours=24)
PATIENCE: Final = 2.0
_SECOND: Final = timedelta(seconds=1) - timedelta(microseconds=1)
Place = tuple[str, str]


@dataclass(order=True, frozen=True, slots=True)
class _Known:
    sequence: int
    name: str = field(compare=False)
    uid: str = field(compare=False)
    published_at: datetime = field(compare=False)
    expires_after: timedelta | None = field(compare=False)
    payload: str = field(compare=False)


class Events:
    """The events of one namespace."""

    def __init__(self, room: Room, *, life: timedelta = LIFE, is_told: bool = True) -> None:
        self._room = room
        self._is_told = is_told
        self._life = life
        self._by_place: defaultdict[Place, list[_Known]] = defaultdict(list)
        self._by_name: dict[str, tuple[Place, _Known]] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._news: set[Place] = set()

    def news(self) -> frozenset[Place]:
        """Return the places of what came since the last call."""
        found, self._news = frozenset(self._news), set()
        return found

    def told(self, key: tuple[str, str], before: EventObject | None, after: EventObject | None) -> None:
        """Hear of a change from the informer."""
        del before
        if key[0] != self._room.namespace:
            return
        known = self._by_name.get(key[1])
        if known is not None and after is not None and known[1].uid == after.metadata.uid:
            return  # its labels changed, and with them its version: that is no new event
        self._forget(key[1])
        if after is not None:
            self._take_in(after)

    def _take_in(self, found: EventObject) -> None:
        place = place_of(found)
        known = _known(found) if place is not None else None
        if place is not None and known is not None:
            insort(self._by_place[place], known)
            self._by_name[known.name] = (place, known)
            self._news.add(place)
            self._room.table.changed.set()
        if (arrival := self._arrivals.get(found.metadata.name)) is not None:
            arrival.set()

    def _forget(self, name: str) -> None:
        if name in self._by_name:
            place, known = self._by_name.pop(name)
            self._by_place[place].remove(known)
            if not self._by_place[place]:
                del self._by_place[place]

    async def publish(self, name: str, key: str, payload: Json, *, now: datetime) -> Event:
        """Keep an event as an object of its own, and wait until the informer has seen it."""
        text = dump_json(payload)
        if len(text.encode()) > BIGGEST:
            raise StoreRefused(
                f"the payload has {len(text)} bytes, the limit is {BIGGEST}; "
                "keep the data elsewhere and publish its place"
            )
        spec = {"event": plain(name), "key": plain(key), "payloadJson": text, "publishedAt": now.isoformat()}
        object_name = f"{names.slug(name, 40)}-{names.digest(self._room.next_token(), 16)}"
        arrival = self._arrivals[object_name] = asyncio.Event()
        try:
            with translated(f"publishing event `{plain(name)}`"):
                made = await self._create(object_name, spec)
            if self._is_told:
                await _within(arrival)
        finally:
            del self._arrivals[object_name]
        sequence = int(made["metadata"]["resourceVersion"])
        return Event(sequence=sequence, name=name, key=key, payload=load_json(text), published_at=now)

    async def _create(self, object_name: str, spec: dict[str, Any]) -> dict[str, Any]:
        body = {
            "apiVersion": WORKFLOW_EVENTS.api_version,
            "kind": WORKFLOW_EVENTS.kind,
            "metadata": {"name": object_name, "labels": names.labels("event")},
            "spec": spec,
        }
        try:
            return await self._room.client.create(WORKFLOW_EVENTS, body, self._room.namespace)
        except AlreadyExists:
            # The name is ours alone: this is our own, whose answer was lost.
            return await self._room.client.get(WORKFLOW_EVENTS, object_name, self._room.namespace)

    def first(self, name: str, key: str, *, after: int, since: datetime | None) -> Event | None:
        """Return the first event of that place after the cursor, published since."""
        found = self._by_place.get((plain(name), plain(key)), [])
        for known in found[bisect_right(found, after, key=lambda one: one.sequence) :]:
            if since is None or known.published_at >= since:
                return Event(
                    sequence=known.sequence,
                    name=name,
                    key=key,
                    payload=load_json(known.payload),
                    published_at=known.published_at,
                )
        return None

    async def expire(self, *, before: datetime) -> int:
        """Delete events published before, or whose own time is over; return how many."""
        now = before + self._life
        over = [known for _, known in self._by_name.values() if _is_over(known, before, now)]
        deleted = 0
        with translated("deleting expired events"):
            for known in over:
                deleted += await self._delete(known)
                self._forget(known.name)
        return deleted

    async def _delete(self, known: _Known) -> bool:
        try:
            return await self._room.client.delete(
                WORKFLOW_EVENTS, known.name, self._room.namespace, uid=known.uid
            )
        except ApiNotFound:
            return False


async def _within(arrival: asyncio.Event) -> None:
    """Wait until the informer has seen an own event; it is kept, so if the watch is cut nothing is lost."""
    try:
        async with asyncio.timeout(PATIENCE):
            await arrival.wait()
    except TimeoutError:
        pass


def _is_over(known: _Known, before: datetime, now: datetime) -> bool:
    if known.expires_after is None:
        return known.published_at < before
    return known.published_at + known.expires_after <= now


def plain(text: str) -> str:
    """Return the text without half characters, which have no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def place_of(found: EventObject) -> Place | None:
    """Return event and key; None for what is no event, such as a report of an activity."""
    spec = found.spec
    return (spec.event, str(spec.key or "")) if isinstance(spec.event, str) else None


def _known(found: EventObject) -> _Known | None:
    spec, metadata = found.spec, found.metadata
    payload = spec.payload_json if isinstance(spec.payload_json, str) else None
    try:
        text = dump_json(load_json(payload)) if payload is not None else dump_json(spec.payload)
    except NotJson:
        return None
    if len(text) > BIGGEST:
        return None
    return _Known(
        sequence=int(metadata.resource_version),
        name=metadata.name,
        uid=metadata.uid,
        published_at=_published(found),
        expires_after=_duration(spec.expires_after),
        payload=text,
    )


def _published(found: EventObject) -> datetime:
    """Return when an event was published: what its publisher says, else the end of the second it was created in.

    The server's time has no fractions, and an event of the second in which an instance began is not to be missed.
    """
    said = found.spec.published_at
    try:
        when = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        when = None
    if when is not None and when.tzinfo is not None:
        return when
    created = found.metadata.creation_timestamp or "1970-01-01T00:00:00Z"
    return datetime.fromisoformat(created).astimezone(UTC) + _SECOND


def _duration(value: Any) -> timedelta | None:
    try:
        return None if value is None else parse_duration(value)
    except ExpressionError:
        return None


def event_in(found: EventObject) -> Event | None:
    """Return the event that an object is; None if it is none, or holds what no event may."""
    place, known = place_of(found), _known(found)
    if place is None or known is None:
        return None
    return Event(
        sequence=known.sequence,
        name=place[0],
        key=place[1],
        payload=load_json(known.payload),
        published_at=known.published_at,
    )
