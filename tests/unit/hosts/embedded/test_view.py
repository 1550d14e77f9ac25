from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wfe.hosts.embedded.view import is_halted, steps_of
from wfe.hosts.wiring.engine_room import state_of
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus, StepStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SLEEPS, RUNS, ENDED = InstanceStatus.SUSPENDED, InstanceStatus.RUNNING, InstanceStatus.COMPLETE


def an_instance(status: InstanceStatus, *steps: StepStatus, child: str | None = None) -> Instance:
    pointers = {"": Pointer(path="", node="", parent=None, status=StepStatus.RUNNING)}
    for number, step in enumerate(steps):
        path = f"s{number}"
        runs = "here" if step is StepStatus.RUNNING and child is None else None
        pointers[path] = Pointer(path=path, node=path, parent="", status=step, child=child, incarnation=runs)
    ref = WorkflowRef("w", 1, "d")
    return Instance(id="i", name="i", workflow=ref, created_at=NOW, status=status, pointers=pointers)


@pytest.mark.parametrize(
    ("members", "halted"),
    [
        pytest.param([an_instance(RUNS, StepStatus.RUNNING)], False, id="runs"),
        pytest.param([an_instance(SLEEPS, StepStatus.RUNNING)], False, id="what-runs-finishes"),
        pytest.param([an_instance(SLEEPS)], True, id="between-two-steps"),
        pytest.param([an_instance(SLEEPS, StepStatus.FAILED)], True, id="parked-by-an-error"),
        pytest.param([an_instance(SLEEPS, StepStatus.WAITING)], True, id="waits-are-not-answered"),
        pytest.param(
            [an_instance(RUNS, StepStatus.RUNNING, child="c"), an_instance(SLEEPS, StepStatus.FAILED)],
            True,
            id="a-child-is-parked-and-nothing-else-runs",
        ),
        pytest.param(
            [an_instance(RUNS, StepStatus.WAITING), an_instance(SLEEPS, StepStatus.FAILED)],
            False,
            id="a-child-is-parked-and-something-else-waits",
        ),
        pytest.param([replace(an_instance(ENDED), pointers={})], False, id="ended"),
    ],
)
def test_a_family_is_halted_when_somebody_must_resume_it(members: list[Instance], halted: bool) -> None:
    assert is_halted(members) is halted


@pytest.mark.parametrize(
    ("store", "state"),
    [
        pytest.param("sqlite:.wfe/wfe.db", ".wfe", id="the-default"),
        pytest.param("sqlite:/data/runs.db", "/data/runs.db.wfe", id="beside-the-file"),
        pytest.param("sqlite:///data/runs.db", "/data/runs.db.wfe", id="as-a-url"),
        pytest.param("memory:", ".wfe", id="no-file"),
    ],
)
def test_files_of_steps_belong_to_their_store(store: str, state: str) -> None:
    assert str(state_of(store)) == state


def test_a_visit_that_ended_between_two_reads_is_there_once() -> None:
    live = an_instance(RUNS, StepStatus.RUNNING)
    seen = replace(live.pointers["s0"], seq=3, node="s0")
    instance = replace(live, pointers={"s0": seen})
    record = StepRecord(
        seq=3,
        path="s0",
        node="s0",
        name="s0",
        type="shell",
        status=StepStatus.COMPLETE,
        attempts=1,
        exit_code=0,
        started_at=NOW,
        ended_at=NOW,
    )

    assert [view.status for view in steps_of(None, instance, [record])] == [StepStatus.COMPLETE]
