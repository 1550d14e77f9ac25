"""Reports of activities: WorkflowEvents of outside workers, turned into signals for the instances that wait."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from wfe.errors import NotFound
from wfe.model.codec import NotJson, dump_json, load_json
from wfe.model.failure import Failure, Reason
from wfe.model.json import Data
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.ports.store import ActivityOffer
from wfe.providers.customresource.activities import Activities
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.kinds import EventObject
from wfe.providers.customresource.mail import Mail
from wfe.providers.customresource.names import WORKFLOW_EVENTS
from wfe.providers.customresource.room import Room

BIGGEST: Final = 64 * 1024


class Reports:
    """The reports of one namespace that have not been taken yet."""

    def __init__(self, room: Room, activities: Activities, mail: Mail) -> None:
        self._room = room
        self._activities = activities
        self._mail = mail
        self._waiting: dict[str, EventObject] = {}

    def told(self, key: tuple[str, str], before: EventObject | None, after: EventObject | None) -> None:
        """Hear of a change from the informer."""
        del before
        if key[0] != self._room.namespace:
            return
        self._waiting.pop(key[1], None)
        if after is not None and isinstance(after.spec.activity, dict):
            self._waiting[key[1]] = after
            self._room.table.changed.set()

    async def take(self, *, now: datetime, refused: Callable[[str, str], None]) -> int:
        """Hand every report to its instance, and delete it; return how many were good.

        The signal is stored before the claim is closed, and the report deleted last: a crash in between repeats
        what is harmless. `refused` is told the name of a report that is not good, and why.
        """
        taken = 0
        for name, report in list(self._waiting.items()):
            with translated(f"taking the report `{name}`"):
                why = await self._take(report, now)
                if why:
                    refused(name, why)
                taken += not why
                metadata = report.metadata
                await self._room.client.delete(WORKFLOW_EVENTS, name, self._room.namespace, uid=metadata.uid)
            self._waiting.pop(name, None)
        return taken

    async def _take(self, report: EventObject, now: datetime) -> str:
        """Return why the report is refused; nothing if it was taken."""
        token = report.spec.activity.get("token")
        found = await self._activities.claimed(str(token or ""), now=now)
        if found is None:
            return "its token is no claim's, or the claim has expired"
        _, offer = found
        if not _is_about(report.spec.activity, offer):
            return "it is about another activity than its token"
        try:
            await self._mail.post(offer.instance, _ended(report, offer, now))
        except (NotFound, NotJson) as error:
            return str(error)
        await self._activities.close(str(token), now=now)
        return ""


def _is_about(said: dict[str, Any], offer: ActivityOffer) -> bool:
    about = (said.get("instance"), said.get("path"), said.get("attempt"))
    return about == (offer.instance, offer.path, offer.attempt)


def _ended(report: EventObject, offer: ActivityOffer, now: datetime) -> TaskEnded:
    spec = report.spec
    if spec.outcome == TaskOutcome.COMPLETE.value:
        return TaskEnded(
            path=offer.path,
            attempt=offer.attempt,
            outcome=TaskOutcome.COMPLETE,
            outputs=_outputs(report),
            ended_at=now,
        )
    failure = Failure(reason=Reason.ERROR, message=str(spec.error or "the worker gave no reason")[:4096])
    return TaskEnded(
        path=offer.path, attempt=offer.attempt, outcome=TaskOutcome.FAILED, failure=failure, ended_at=now
    )


def _outputs(report: EventObject) -> Data:
    """Return the outputs of a report.

    Raises:
        NotJson: they are none, or too many.
    """
    said = report.spec.outputs_json
    text = said if isinstance(said, str) else dump_json(report.spec.outputs or {})
    outputs = load_json(text)
    if len(text) > BIGGEST or not isinstance(outputs, dict):
        raise NotJson(f"its outputs are no object of at most {BIGGEST} bytes")
    return outputs
