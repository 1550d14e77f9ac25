"""What there is to do about an instance."""

from collections.abc import Sequence
from typing import Any

import pytest

from wfe.hosts.kubernetes.reconcile import (
    FORGED,
    HELD,
    Action,
    Begin,
    Desired,
    Finish,
    LetGo,
    NeverBegin,
    Reads,
    Recover,
    Seen,
    Tell,
    count_of,
    desired_of,
    phase_of,
    reconcile,
    text_of,
)
from wfe.model.signals import CancelRequested, ResumeRequested, SuspendRequested
from wfe.model.status import InstanceStatus


def _seen(**changes: Any) -> Seen:
    return Seen(id="i1", **changes)


def _driven(phase: InstanceStatus = InstanceStatus.RUNNING, **changes: Any) -> Seen:
    return _seen(is_begun=True, is_driven=True, phase=phase, **changes)


RESUME = Tell(ResumeRequested(reason="suspended on request"))


@pytest.mark.parametrize(
    ("seen", "actions"),
    [
        pytest.param(_seen(), [Begin()], id="a-new-one-begins"),
        pytest.param(_seen(desired=Desired.SUSPENDED), [HELD], id="one-that-is-to-be-suspended-waits"),
        pytest.param(_seen(desired=Desired.TERMINATED), [NeverBegin()], id="one-that-is-to-end-never-begins"),
        pytest.param(_seen(is_deleting=True), [LetGo()], id="one-that-is-being-deleted-does-not-begin"),
        pytest.param(_seen(is_driven=True), [], id="what-the-cache-does-not-show-yet-has-begun"),
        pytest.param(_seen(parent=Reads.WAITS), [], id="a-child-is-begun-by-its-parent"),
        pytest.param(_seen(parent=Reads.UNKNOWN), [], id="a-child-waits-until-its-parent-is-driven"),
        pytest.param(_seen(parent=Reads.DONE), [FORGED], id="what-no-parent-lists-is-no-child"),
        pytest.param(_seen(parent=Reads.GONE), [FORGED], id="a-child-of-nobody-is-none"),
    ],
)
def test_what_has_not_begun(seen: Seen, actions: Sequence[Action]) -> None:
    assert list(reconcile(seen)) == actions


@pytest.mark.parametrize(
    ("seen", "actions"),
    [
        pytest.param(_seen(is_begun=True), [Recover()], id="what-nobody-drives-is-recovered"),
        pytest.param(_seen(is_begun=True, parent=Reads.WAITS), [], id="a-child-is-recovered-by-its-parent"),
        pytest.param(_driven(), [], id="what-is-as-it-should-be-is-left-alone"),
        pytest.param(
            _driven(desired=Desired.TERMINATED), [Tell(CancelRequested())], id="terminated-is-cancelled"
        ),
        pytest.param(
            _driven(desired=Desired.SUSPENDED), [Tell(SuspendRequested())], id="suspended-is-suspended"
        ),
        pytest.param(
            _driven(InstanceStatus.SUSPENDED, desired=Desired.SUSPENDED), [], id="suspended-stays-suspended"
        ),
        pytest.param(
            _driven(InstanceStatus.SUSPENDED),
            [RESUME],
            id="running-again-is-resumed",
        ),
        pytest.param(
            _driven(InstanceStatus.SUSPENDED, resumes=2, resumed=1),
            [RESUME, Tell(ResumeRequested(), resumes=2)],
            id="what-an-error-suspended-is-resumed-by-a-number",
        ),
        pytest.param(
            _driven(InstanceStatus.SUSPENDED, desired=Desired.SUSPENDED, resumes=2, resumed=1),
            [],
            id="what-is-to-be-suspended-is-not-resumed",
        ),
        pytest.param(_driven(resumes=1, resumed=1), [], id="what-was-acted-on-is-not-acted-on-again"),
    ],
)
def test_what_runs(seen: Seen, actions: Sequence[Action]) -> None:
    assert list(reconcile(seen)) == actions


@pytest.mark.parametrize(
    ("parent", "actions"),
    [
        pytest.param(None, [Finish()], id="a-root"),
        pytest.param(Reads.WAITS, [], id="a-child-whose-parent-has-not-read-it"),
        pytest.param(Reads.UNKNOWN, [], id="a-child-whose-parent-nobody-drives"),
        pytest.param(Reads.DONE, [Finish()], id="a-child-that-was-read"),
        pytest.param(Reads.GONE, [Finish()], id="a-child-of-nobody"),
    ],
)
def test_what_has_ended_is_finished_once_it_was_read(parent: Reads | None, actions: Sequence[Action]) -> None:
    seen = _seen(is_begun=True, phase=InstanceStatus.COMPLETE, parent=parent)
    assert list(reconcile(seen)) == actions


@pytest.mark.parametrize("is_driven", [True, False])
def test_nothing_is_done_about_what_is_no_longer_active(is_driven: bool) -> None:
    seen = _seen(is_begun=True, is_active=False, phase=InstanceStatus.FAILED, is_driven=is_driven)
    assert list(reconcile(seen)) == ([LetGo()] if is_driven else [])


@pytest.mark.parametrize("garbage", [None, 7, True, [], {}, "nonsense", {"a": 1}, 1.5])
def test_garbage_is_read_as_nothing_special(garbage: Any) -> None:
    assert desired_of(garbage) is Desired.RUNNING
    assert phase_of(garbage) is InstanceStatus.PENDING
    assert count_of(garbage) == (7 if garbage == 7 else 0)
    assert text_of(garbage, "name") == ""
