"""What a release has stored, every later version loads.

`python -m tests.golden.stored.test_stored_forms VERSION` writes the forms of the version that is checked out.
Do so until it is released, then never again: what is there stays as it is.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wfe.model import codec
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Counts, EndRequest, Instance
from wfe.model.parts import part_names
from wfe.model.pointer import Progress, Role, Stop, Wait
from wfe.model.record import AttemptRecord
from wfe.model.signals import (
    CancelRequested,
    ChildEnded,
    EventArrived,
    ResumeRequested,
    Signal,
    SuspendRequested,
    TaskEnded,
    TaskOutcome,
)
from wfe.model.status import InstanceStatus, StepStatus
from wfe.testing.builders import NOON, a_pointer, a_record, an_instance, running
from wfe.testing.store_contract import ODD, a_full_instance

HERE = Path(__file__).parent
STORED = sorted(HERE.glob("*/*.json"))
FAILURE = Failure(
    reason=Reason.EXIT_CODE,
    message="ended with exit code 3",
    step="build",
    exit_code=3,
    also=(Failure(reason=Reason.TIMEOUT, message="undoing took too long", step="undo"),),
)


def load(text: dict[str, Any]) -> Any:
    """Read one golden value of whatever kind."""
    match text:
        case {"head": head, "parts": parts}:
            return codec.decode(head.encode(), {name: body.encode() for name, body in parts.items()})
        case {"record": body}:
            return codec.decode_record(body.encode())
        case {"signal": body}:
            return codec.decode_signal(body.encode())
        case _:
            raise AssertionError(f"unknown kind of golden value: {text.keys()}")


def plain(value: Any) -> Any:
    return json.loads(json.dumps(codec.to_plain(value)))


def missing(expected: Any, found: Any, place: str = "") -> list[str]:
    """Return the places where `found` is not `expected`; later versions may have more fields."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            one for key, value in expected.items() for one in missing(value, found.get(key), f"{place}.{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [one for number, pair in pairs for one in missing(*pair, f"{place}[{number}]")]
    same = (type(expected), expected) == (type(found), found)
    return [] if same else [f"{place}: {found!r} instead of {expected!r}"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_release_stored_loads_for_ever(path: Path) -> None:
    golden = json.loads(path.read_text())
    assert missing(golden["means"], plain(load(golden["stored"]))) == []


def test_there_is_a_golden_form_of_each_kind() -> None:
    kinds = {kind for path in STORED for kind in json.loads(path.read_text())["stored"]}
    assert kinds == {"head", "parts", "record", "signal"}


def the_instances() -> dict[str, Instance]:
    ended = an_instance(
        "ended",
        status=InstanceStatus.FAILED,
        reason="ExitCode",
        message="why",
        revision=12,
        started_at=NOON,
        finished_at=NOON + timedelta(hours=1, microseconds=1),
        reference="order 1",
        root="mother",
        retry_of="before",
        trace="00-trace",
        failure=FAILURE,
        counts=Counts(complete=5, failed=1, skipped=2, cancelled=3, compensated=4),
        next_seq=15,
        deadline=NOON + timedelta(days=1),
        suspended_at=NOON,
        suspended_for=timedelta(days=2, seconds=3, microseconds=4),
        cancelled=True,
        end=EndRequest(status=InstanceStatus.TERMINATED, message="enough"),
    )
    waiting = a_pointer(
        role=Role.COMPENSATE,
        stop=Stop.FAILURE,
        failure=FAILURE,
        wait=Wait(event="paid", key="k", after=3, since=NOON),
        progress=Progress(next=2, live=1, total=3, failure=FAILURE, due_at=NOON),
        child="child",
        wake_at=NOON,
        deadline=NOON,
        incarnation="boot/dir",
    )
    return {
        "small": an_instance("small")(),
        "full": a_full_instance()(),
        "ended": ended.with_step("a", running(3)).with_step("b", waiting)(),
    }


def the_signals() -> list[Signal]:
    return [
        TaskEnded(
            path="a", attempt=1, outcome=TaskOutcome.TIMEOUT, outputs=ODD, failure=FAILURE, ended_at=NOON
        ),
        EventArrived(path="w", attempt=1, sequence=2**40, payload=ODD),
        ChildEnded(path="c", attempt=2, status=InstanceStatus.FAILED, outputs=ODD, failure=FAILURE),
        SuspendRequested(),
        ResumeRequested(),
        CancelRequested(reason="enough"),
    ]


def write(version: str) -> None:
    """Write the golden forms of the version."""
    attempt = AttemptRecord(
        attempt=1, outcome="Failed", exit_code=3, started_at=None, ended_at=NOON, failure=FAILURE
    )
    record = a_record(
        7, status=StepStatus.FAILED, failure=FAILURE, child="c", outputs=ODD, attempt_records=(attempt,)
    )
    stored: dict[str, tuple[Any, dict[str, Any]]] = {
        "record": (record, {"record": codec.encode_record(record).decode()}),
    }
    for signal in the_signals():
        stored[f"signal-{type(signal).__name__}"] = signal, {"signal": codec.encode_signal(signal).decode()}
    for name, instance in the_instances().items():
        parts = codec.encode_parts(instance, sorted(part_names(instance)))
        texts = {part: (body or b"").decode() for part, body in parts.items()}
        stored[name] = instance, {"head": codec.encode_head(instance).decode(), "parts": texts}
    (HERE / version).mkdir(exist_ok=True)
    for name, (value, text) in stored.items():
        golden = {"stored": text, "means": plain(value)}
        (HERE / version / f"{name}.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    write(*sys.argv[1:])
