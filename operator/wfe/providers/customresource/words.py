"""What a person reads of an instance in `kubectl get` and `kubectl describe`. Nothing is decided by it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from wfe.expr.duration import format_duration
from wfe.model.codec import dump_json
from wfe.model.instance import Instance
from wfe.model.json import Data
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus, StepStatus

MOST_RUNNING: Final = 10
MOST_RECENT: Final = 5
MOST_LOOKED_AT: Final = 300
LONGEST_TEXT: Final = 1000
LONGEST_PATH: Final = 120
LONGEST_OUTPUT: Final = 512
MOST_OUTPUT_BYTES: Final = 4096
MOST_OUTPUTS: Final = 32
_LIVE: Final = frozenset({StepStatus.RUNNING, StepStatus.SLEEPING, StepStatus.WAITING})
Words = dict[str, Any]
Condition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Before:
    """What was said before: the last ends, the conditions, the generation of the spec that was acted on."""

    recent: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    generation: int = 0
    steps: int = 0
    records: Sequence[StepRecord] = field(default=())


def words_of(instance: Instance, before: Before, *, now: datetime) -> Words:
    """Return the human part of a status, every field of it; None where there is nothing to say."""
    live = _live(instance)
    reason, message = _why(instance, live)
    outputs, omitted = _outputs(instance.outputs)
    return {
        "phase": instance.status.value,
        "observedGeneration": before.generation or None,
        "reason": reason,
        "message": _cut(message, LONGEST_TEXT) if message else None,
        "progress": _progress(instance, len(live), before.steps),
        "step": _step(live),
        "startedAt": stamp(instance.started_at),
        "finishedAt": stamp(instance.finished_at),
        "duration": _duration(instance),
        "workflow": {
            "name": instance.workflow.id,
            "version": instance.workflow.version,
            "digest": instance.workflow.digest,
        },
        "outputs": outputs,
        "omittedOutputs": omitted,
        "running": [_running(pointer) for pointer in live[:MOST_RUNNING]] or None,
        "recent": list(recent(before.recent, before.records)) or None,
        "conditions": conditions(instance, before, reason, message, now=now),
    }


def stamp(when: datetime | None) -> str | None:
    """Return a time as Kubernetes writes it."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if when else None


def span(duration: timedelta) -> str:
    """Return a duration as a person says it: `0.4s`, `3.2s`, `47s`, `1m30s`, `2h5m`."""
    seconds = max(0.0, duration.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = timedelta(seconds=round(seconds))
    return format_duration(
        whole if whole < timedelta(hours=1) else timedelta(minutes=whole // timedelta(minutes=1))
    )


def recent(before: Sequence[str], records: Sequence[StepRecord]) -> tuple[str, ...]:
    """Return the last ends, as lines."""
    return (*before, *map(_line, records[-MOST_RECENT:]))[-MOST_RECENT:]


def _line(record: StepRecord) -> str:
    took = f" {span(record.ended_at - record.started_at)}" if record.started_at else ""
    why = ""
    if record.failure is not None and record.status is StepStatus.FAILED:
        code = f" {record.failure.exit_code}" if record.failure.exit_code is not None else ""
        why = f" ({record.failure.reason.value}{code})"
    return f"{record.ended_at:%H:%M:%S} {_cut(record.path, LONGEST_PATH)} {record.status.value}{why}{took}"


def _live(instance: Instance) -> list[Pointer]:
    # A container is told by the visits inside it; of very many visits the first are enough for a person.
    looked_at = islice(instance.pointers.values(), MOST_LOOKED_AT)
    return [one for one in looked_at if one.status in _LIVE and not one.progress.live]


def _running(pointer: Pointer) -> Words:
    return {
        "step": _cut(pointer.path, LONGEST_PATH),
        "status": pointer.status.value,
        "attempt": pointer.attempt,
        "since": stamp(pointer.started_at),
    }


def _step(live: Sequence[Pointer]) -> str | None:
    if not live:
        return None
    more = f" +{len(live) - 1}" if len(live) > 1 else ""
    return _cut(live[0].path, 60) + more


def _progress(instance: Instance, live: int, steps: int) -> str:
    counts = instance.counts
    done = counts.complete + counts.failed + counts.skipped + counts.cancelled + counts.compensated
    if instance.status is InstanceStatus.COMPLETE:
        return f"{done}/{done}"
    return f"{done}/{max(steps, done + live)}"


def _why(instance: Instance, live: Sequence[Pointer]) -> tuple[str | None, str | None]:
    if instance.failure is not None:
        return instance.failure.reason.value, str(instance.failure)
    if instance.status.is_final or instance.reason:
        return _one_word(instance), instance.message or instance.reason
    retried = next((one for one in live if one.status is StepStatus.SLEEPING and one.failure), None)
    if retried is not None and retried.failure is not None:
        again = f"; tried again at {stamp(retried.wake_at)}" if retried.wake_at else ""
        return "Retrying", f"{retried.failure.at(retried.path)}{again}"
    waiting = next((one for one in live if one.wait), None)
    if waiting is not None and waiting.wait and all(one.status is not StepStatus.RUNNING for one in live):
        key = f" with key `{waiting.wait.key}`" if waiting.wait.key else ""
        return "Waiting", f"step `{waiting.path}` waits for event `{waiting.wait.event}`{key}"
    return None, instance.message


def _one_word(instance: Instance) -> str | None:
    """Return the reason as conditions and columns have it: one word."""
    if instance.reason is None:
        return None
    if instance.status is InstanceStatus.SUSPENDED:
        return "Suspended"
    word = "".join(part[:1].upper() + part[1:] for part in instance.reason.split() if part.isalnum())
    return word[:60] if instance.reason.isalnum() else instance.status.value


def _duration(instance: Instance) -> str | None:
    if instance.finished_at is None:
        return None
    return span(instance.finished_at - (instance.started_at or instance.created_at))


def _outputs(values: Data | None) -> tuple[Words | None, list[str] | None]:
    shown: Words = {}
    omitted: list[str] = []
    left = MOST_OUTPUT_BYTES
    for name, value in (values or {}).items():
        text = dump_json(value)
        if len(shown) < MOST_OUTPUTS and len(text) <= min(LONGEST_OUTPUT, left) and _plain(name):
            shown[name] = text
            left -= len(text)
        elif len(omitted) < MOST_OUTPUTS:
            omitted.append(dump_json(name)[1:-1][:LONGEST_PATH])
    return shown or None, omitted or None


def _plain(name: str) -> bool:
    return bool(name) and name.isprintable() and len(name) <= LONGEST_PATH


def conditions(
    instance: Instance, before: Before, reason: str | None, message: str | None, *, now: datetime
) -> list[Condition]:
    """Return the conditions, each with the time of its last change."""
    said = {"Accepted": Said(True, "Accepted", f"runs {instance.workflow}")}
    known = {one["type"]: one for one in before.conditions}
    if instance.status is InstanceStatus.SUSPENDED:
        said["Suspended"] = Said(True, "Suspended", instance.reason or "")
    elif "Suspended" in known:
        said["Suspended"] = Said(False, "Resumed", "")
    if instance.status.is_final:
        word, text = reason or instance.status.value, message or ""
        said["Complete"] = Said(instance.status is InstanceStatus.COMPLETE, word, text)
        said["Failed"] = Said(instance.status is InstanceStatus.FAILED, word, text)
        said["Finished"] = Said(True, instance.status.value, text)
    return [_condition(kind, what, known.get(kind), before.generation, now) for kind, what in said.items()]


class Said(NamedTuple):
    """What a condition says."""

    is_so: bool
    reason: str
    message: str


def _condition(kind: str, said: Said, known: Condition | None, generation: int, now: datetime) -> Condition:
    status = "True" if said.is_so else "False"
    is_as_before = known is not None and known.get("status") == status
    return {
        "type": kind,
        "status": status,
        "reason": said.reason,
        "message": _cut(said.message, LONGEST_TEXT),
        "lastTransitionTime": known["lastTransitionTime"] if known and is_as_before else stamp(now),
        "observedGeneration": generation,
    }


def mirrored(before: Sequence[Condition], is_so: bool, generation: int, *, now: datetime) -> list[Condition]:
    """Return the conditions of an instance for which nothing is left to do, with what is known of the history."""
    said = (
        Said(True, "Arrived", "the history has all of it")
        if is_so
        else Said(
            False,
            "OnItsWay",
            "the object stays until the history has all of the instance",
        )
    )
    others = [one for one in before if one["type"] != "Mirrored"]
    return [*others, _condition("Mirrored", said, None, generation, now)]


def refusal(reason: str, message: str, generation: int, *, now: datetime) -> Words:
    """Return the status of an instance that cannot begin."""
    condition = _condition("Accepted", Said(False, reason, message), None, generation, now)
    return {
        "active": True,
        "phase": InstanceStatus.PENDING.value,
        "reason": reason,
        "message": _cut(message, LONGEST_TEXT),
        "observedGeneration": generation,
        "conditions": [condition],
    }


def never_begun(generation: int, *, now: datetime) -> Words:
    """Return the status of an instance that was terminated before it began."""
    reason, message = InstanceStatus.TERMINATED.value, "it was terminated before it began"
    said = {"Complete": False, "Failed": False, "Finished": True}
    return {
        "active": False,
        "phase": InstanceStatus.TERMINATED.value,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "finishedAt": stamp(now),
        "conditions": [
            _condition(kind, Said(is_so, reason, message), None, generation, now)
            for kind, is_so in said.items()
        ],
    }


def _cut(text: str, longest: int) -> str:
    """Return a text that is not too long, and has no half characters."""
    if len(text) > longest:
        half = (longest - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
