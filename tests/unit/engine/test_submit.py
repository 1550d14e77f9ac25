"""Instances that are kept first, and begun by whoever drives them."""

from datetime import timedelta

import pytest

from tests.unit.engine.nodes import graph, task
from tests.unit.engine.play import NEVER, START, Play
from wfe.model.failure import Failure, Reason
from wfe.model.signals import CancelRequested, FailRequested, ResumeRequested, Signal, SuspendRequested
from wfe.model.status import InstanceStatus

LOST = FailRequested(failure=Failure(reason=Reason.WORKSPACE_LOST, message="gone"))


def test_a_submitted_instance_starts_nothing_until_it_is_driven() -> None:
    play = Play(graph(task("a"), task("b")), submitted=True)
    assert (play.status(), play.started, play.outstanding()) == (InstanceStatus.PENDING, [], ())
    play.tell()
    play.settle()
    assert (play.status(), play.started) == (InstanceStatus.COMPLETE, ["a", "b"])


def test_its_time_runs_from_when_it_begins() -> None:
    play = Play(graph(task("a"), timeout=timedelta(minutes=1)), {"a": NEVER}, submitted=True)
    assert play.decisions[-1].wake_at is None
    play.now = START + timedelta(hours=1)
    play.tell()
    assert play.instance.started_at == play.now
    assert play.decisions[-1].wake_at == play.now + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("signal", "ends"),
    [(CancelRequested(), InstanceStatus.TERMINATED), (LOST, InstanceStatus.FAILED)],
    ids=["cancel", "fail"],
)
def test_what_ends_it_before_it_has_begun_starts_nothing(signal: Signal, ends: InstanceStatus) -> None:
    play = Play(graph(task("a", ensure=task("e"))), submitted=True)
    play.tell(signal)
    play.settle()
    assert (play.status(), play.started) == (ends, [])


def test_suspended_before_it_has_begun_it_begins_when_it_is_resumed() -> None:
    play = Play(graph(task("a"), timeout=timedelta(minutes=1)), submitted=True)
    play.tell(SuspendRequested())
    assert (play.status(), play.started) == (InstanceStatus.SUSPENDED, [])
    play.now = START + timedelta(hours=1)
    play.tell(ResumeRequested())
    assert play.instance.started_at == play.now
    play.settle()
    assert (play.status(), play.started) == (InstanceStatus.COMPLETE, ["a"])
