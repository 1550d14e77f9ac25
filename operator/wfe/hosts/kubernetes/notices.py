"""Kubernetes Events: what `kubectl describe` tells of an instance besides its status.

They are hints for people, and best effort: nothing is decided by them, nothing waits for them, and an instance that
has much to say is cut short.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from wfe.errors import WfeError
from wfe.kube import Client
from wfe.kube.resource import EVENTS, Resource
from wfe.providers.customresource.names import GROUP, INSTANCES

log = logging.getLogger(__name__)
Kind = Literal["Normal", "Warning"]
MOST_WAITING: Final = 1000
MOST_REMEMBERED: Final = 2_000
BURST: Final = 15
REFILL_SECONDS: Final = 60.0
LONGEST: Final = 1000
COMPONENT: Final = "wfe-operator"


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that an event is about."""

    namespace: str
    name: str
    uid: str
    resource: Resource = INSTANCES


@dataclass(frozen=True, slots=True)
class Notice:
    """One event."""

    subject: Subject
    kind: Kind
    reason: str
    message: str


@dataclass(slots=True)
class _Allowance:
    left: float
    at: float


class Allowances:
    """How many events each object may still have: so many at once, then one a minute."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Allowance] = OrderedDict()

    def take(self, uid: str, now: float) -> bool:
        """Use one up. False: this object has said enough for now."""
        found = self._known.setdefault(uid, _Allowance(BURST, now))
        self._known.move_to_end(uid)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        found.left = min(BURST, found.left + (now - found.at) / REFILL_SECONDS)
        found.at = now
        if found.left < 1:
            return False
        found.left -= 1
        return True


class Notices:
    """Posts events one after another; the same one about the same object is posted once."""

    def __init__(self, client: Client, *, instance: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._instance = instance
        self._now = now
        self._waiting: asyncio.Queue[Notice] = asyncio.Queue(MOST_WAITING)
        self._posted: OrderedDict[str, None] = OrderedDict()
        self._allowances = Allowances()

    def post(self, notice: Notice) -> None:
        """Have an event posted, unless too much has been said."""
        name = _name(notice)
        if name in self._posted:
            return
        if not self._allowances.take(notice.subject.uid, asyncio.get_running_loop().time()):
            return
        self._posted[name] = None
        if len(self._posted) > MOST_REMEMBERED:
            self._posted.popitem(last=False)
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(notice)

    async def run(self) -> None:
        """Post what there is, until cancelled."""
        while True:
            notice = await self._waiting.get()
            try:
                await self._client.create(EVENTS, self._body(notice), notice.subject.namespace)
            except WfeError as error:
                log.debug("an event was not posted: %s", error)

    def _body(self, notice: Notice) -> dict[str, Any]:
        at = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
        subject = notice.subject
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": _name(notice), "namespace": subject.namespace},
            "involvedObject": {
                "apiVersion": subject.resource.api_version,
                "kind": subject.resource.kind,
                "namespace": subject.namespace,
                "name": subject.name,
                "uid": subject.uid,
            },
            "type": notice.kind,
            "reason": notice.reason,
            "message": notice.message[:LONGEST],
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
            "source": {"component": COMPONENT},
            "reportingComponent": f"{GROUP}/operator",
            "reportingInstance": self._instance,
        }


def _name(notice: Notice) -> str:
    """Name an event by what it says, so that a second controller that says it too says it once."""
    text = f"{notice.subject.uid}\n{notice.reason}\n{notice.message}"
    return (
        f"{notice.subject.name[:200].rstrip('-.')}.{sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
    )
