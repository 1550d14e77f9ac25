"""Commands: what there is to do, by names derived from the state, so that doing it twice is doing it once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wfe.model.json import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTask:
    """Start an attempt of a step, or attach to it. The saved attempt names the executor's incarnation."""

    path: str
    attempt: int
    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillTask:
    """End an attempt: SIGTERM to its group, SIGKILL after the grace. Answered by TaskEnded."""

    path: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChild:
    """Create the child instance of that id, or find it; answered by ChildEnded."""

    path: str
    attempt: int
    child: str
    workflow: str
    version: int | None
    inputs: Data


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelChild:
    """Cancel a child instance; answered by ChildEnded."""

    path: str
    attempt: int
    child: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendChild:
    """Suspend a child instance together with its parent."""

    path: str
    child: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeChild:
    """Resume a child instance together with its parent."""

    path: str
    child: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitEvent:
    """Find the first event of that name and key with `sequence > after` and `time >= since`."""

    path: str
    attempt: int
    event: str
    key: str
    after: int
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferActivity:
    """Offer work to outside workers; answered by TaskEnded. A worker's claim expires after `claim`."""

    path: str
    attempt: int
    name: str
    params: Data
    claim: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take back a wait or an offered activity."""

    path: str
    attempt: int


Command = (
    StartTask
    | KillTask
    | StartChild
    | CancelChild
    | SuspendChild
    | ResumeChild
    | AwaitEvent
    | OfferActivity
    | Withdraw
)
