"""What there is to do about an instance, given what is known of its object. Pure: no clock, no I/O.

    new root          Begin, unless it is to be Suspended (Hold) or Terminated (NeverBegin)
    begun, unfinished Recover what nobody drives; Tell it what its spec wants of it
    finished, active  Finish: keep its log, give its pods back, write that it is no longer active
    gone              LetGo

A child is begun and driven by its parent alone, and finished once the parent has read how it ended. What is decided
here twice is done twice without harm, so it is decided anew after every change and nothing is remembered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from wfe.model.signals import CancelRequested, ResumeRequested, Signal, SuspendRequested
from wfe.model.status import InstanceStatus

ON_REQUEST: Final = SuspendRequested().reason


class Desired(StrEnum):
    """What its user wants an instance to be."""

    RUNNING = "Running"
    SUSPENDED = "Suspended"
    TERMINATED = "Terminated"


class Reads(StrEnum):
    """What the parent of a child has to do with it."""

    WAITS = "waits"  # it lists the child, and waits for its end
    DONE = "done"  # it does not list it, or has ended itself
    GONE = "gone"  # there is no such parent
    UNKNOWN = "unknown"  # nobody drives the parent yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of an instance object.

    Attributes:
        id: the instance's id.
        is_begun: the engine has its state in the status.
        is_active: the last write has not been made.
        resumed: how many of `resumes` have been acted on.
        parent: for a child, what its parent has to do with it.
        is_driven: this process drives it, or has it parked.
    """

    id: str
    is_begun: bool = False
    is_active: bool = True
    is_deleting: bool = False
    phase: InstanceStatus = InstanceStatus.PENDING
    desired: Desired = Desired.RUNNING
    resumes: int = 0
    resumed: int = 0
    parent: Reads | None = None
    is_driven: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """Resolve its workflow, check its inputs, start it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not begin it, and say why."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class NeverBegin:
    """It is Terminated before it began."""


@dataclass(frozen=True, slots=True)
class Recover:
    """Go on with it."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Give its driver a signal; `resumes` is kept once it was given."""

    signal: Signal
    resumes: int | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """Keep its log, give its pods back, make the last write."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Stop driving it; the garbage collector takes what it owned."""


Action = Begin | Hold | NeverBegin | Recover | Tell | Finish | LetGo

HELD: Final = Hold("Suspended", "it begins once spec.desiredState is Running")
FORGED: Final = Hold(
    "NotAChild",
    "spec.parent is set by the operator alone, and the parent does not list this instance; create it without",
)


def reconcile(seen: Seen) -> Sequence[Action]:
    """Return what there is to do, in order."""
    if seen.is_deleting:
        return (LetGo(),)
    if not seen.is_active:
        return (LetGo(),) if seen.is_driven else ()
    if not seen.is_begun:
        # The cache may be behind what this process has written.
        return () if seen.is_driven else _new(seen)
    if seen.phase.is_final:
        return _ended(seen)
    if not seen.is_driven:
        return (Recover(),) if seen.parent is None else ()
    return _driven(seen)


def _new(seen: Seen) -> Sequence[Action]:
    if seen.parent is not None:
        return (FORGED,) if seen.parent in {Reads.DONE, Reads.GONE} else ()
    match seen.desired:
        case Desired.TERMINATED:
            return (NeverBegin(),)
        case Desired.SUSPENDED:
            return (HELD,)
        case Desired.RUNNING:
            return (Begin(),)


def _ended(seen: Seen) -> Sequence[Action]:
    is_awaited = seen.parent in {Reads.WAITS, Reads.UNKNOWN}
    return () if is_awaited else (Finish(),)


def _driven(seen: Seen) -> Sequence[Action]:
    is_suspended = seen.phase is InstanceStatus.SUSPENDED
    actions: list[Action] = []
    match seen.desired:
        case Desired.TERMINATED:
            return (Tell(CancelRequested()),)
        case Desired.SUSPENDED if not is_suspended:
            actions.append(Tell(SuspendRequested()))
        case Desired.RUNNING if is_suspended:
            # What an error has suspended is not meant, and does not listen.
            actions.append(Tell(ResumeRequested(reason=ON_REQUEST)))
        case _:
            pass
    if seen.resumes > seen.resumed and seen.desired is Desired.RUNNING:
        # What is not suspended has nothing to resume, and shall not be resumed later by a request of today.
        actions.append(Tell(ResumeRequested(), resumes=seen.resumes))
    return actions


def desired_of(value: Any) -> Desired:
    """Read `spec.desiredState`; the schema lets nothing else through, and garbage wants nothing special."""
    return Desired(value) if isinstance(value, str) and value in set(Desired) else Desired.RUNNING


def phase_of(value: Any) -> InstanceStatus:
    """Read `status.phase`."""
    known = isinstance(value, str) and value in set(InstanceStatus)
    return InstanceStatus(value) if known else InstanceStatus.PENDING


def count_of(value: Any) -> int:
    """Read a counter."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def text_of(value: Any, key: str) -> str:
    """Read a text of a mapping, both of which may be anything."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""
