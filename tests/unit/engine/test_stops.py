"""Cancel, suspend, resume, `end`, children, events, activities."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.engine.nodes import RETRY, each, graph, leaf, par, seq, task, while_
from tests.unit.engine.play import NEVER, Play, bad, ok
from wfe.engine.carried import completed
from wfe.expr.condition import Compare
from wfe.graph import node as n
from wfe.graph.graph import Graph, OnWorkspaceLost
from wfe.model import commands as c
from wfe.model.failure import Failure, Reason
from wfe.model.signals import (
    CancelRequested,
    ChildEnded,
    FailRequested,
    ResumeRequested,
    Signal,
    SuspendRequested,
    TaskEnded,
    TaskOutcome,
)
from wfe.model.status import InstanceStatus

WAIT = n.WaitSpec(event="go", key="k")


def test_cancel_kills_what_runs_then_runs_ensure_hooks_and_ends_terminated() -> None:
    flow = graph(seq("s", task("a", on_failure=task("f"), ensure=task("e")), ensure=task("o")), task("b"))
    play = Play(flow, {"s/a": NEVER}).settle()
    play.tell(CancelRequested())
    play.settle()
    assert play.killed == ["s/a"]
    assert play.started == ["s/a", "s/a/ensure", "s/ensure"]
    assert play.statuses()["s/a"] == "Cancelled"
    assert play.status() == InstanceStatus.TERMINATED


LOST_FILES = FailRequested(failure=Failure(reason=Reason.WORKSPACE_LOST, message="the files are gone"))


@pytest.mark.parametrize("before", [(), (SuspendRequested(),)], ids=["running", "suspended"])
def test_an_instance_that_lost_what_it_needs_stops_runs_ensure_hooks_and_fails_for_that(
    before: tuple[Signal, ...],
) -> None:
    play = Play(graph(task("a", ensure=task("e")), task("b")), {"a": NEVER}).settle()
    for signal in (*before, LOST_FILES, LOST_FILES):
        play.tell(signal)
    play.settle()
    assert play.killed == ["a"]
    assert play.started == ["a", "a/ensure"]
    assert (play.status(), play.instance.failure) == (InstanceStatus.FAILED, LOST_FILES.failure)
    assert play.instance.reason == "WorkspaceLost"


def restartable(*steps: n.Node) -> Graph:
    return replace(graph(*steps), on_workspace_lost=OnWorkspaceLost.RESTART)


def test_an_instance_that_may_start_over_runs_again_from_its_first_step_with_its_inputs() -> None:
    flow = restartable(task("a"), task("b", ensure=task("e")))
    play = Play(flow, {"a": ok(x=1), "b": NEVER}, inputs={"given": 1}).settle()
    play.tell(LOST_FILES)
    play.settle()
    assert play.started == ["a", "b", "b/ensure", "#2/a", "#2/b", "#2/b/ensure"]
    assert play.status() == InstanceStatus.COMPLETE
    assert (play.instance.failure, play.instance.restarts) == (None, 1)
    assert play.instance.data == {"given": 1}


def test_children_and_attempts_of_the_second_run_have_names_of_their_own() -> None:
    play = Play(restartable(leaf("c", n.ChildSpec(workflow="w")))).settle()
    first = play.children["c"].child
    play.tell(LOST_FILES)
    play.tell(ChildEnded(path="c", attempt=1, status=InstanceStatus.TERMINATED))
    play.settle()
    assert play.children["#2/c"].child != first


def test_it_starts_over_three_times_and_no_more() -> None:
    play = Play(restartable(task("a")), {f"{at}a": NEVER for at in ("", "#2/", "#3/", "#4/")}).settle()
    for _ in range(4):
        assert play.status() == InstanceStatus.RUNNING
        play.tell(LOST_FILES)
        play.settle()
    assert (play.status(), play.instance.reason) == (InstanceStatus.FAILED, "WorkspaceLost")


def test_cancelling_while_it_is_stopped_ends_it() -> None:
    play = Play(restartable(task("a", ensure=task("e"))), {"a": NEVER}).settle()
    play.tell(LOST_FILES)
    play.tell(CancelRequested())
    play.settle()
    assert play.status() == InstanceStatus.TERMINATED


def test_an_instance_that_is_being_cancelled_stays_so_whatever_it_loses() -> None:
    play = Play(graph(task("a", ensure=task("e"))), {"a": NEVER}).settle()
    play.tell(CancelRequested())
    play.tell(LOST_FILES)
    play.settle()
    assert (play.status(), play.instance.failure) == (InstanceStatus.TERMINATED, None)


def test_a_cancelled_step_is_cancelled_only_once_its_executor_says_so() -> None:
    play = Play(graph(task("a")), {"a": NEVER}).settle()
    play.tell(CancelRequested())
    assert play.status() == InstanceStatus.RUNNING
    assert "a" in play.instance.pointers


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(leaf("d", n.DelaySpec(duration="1h")), id="delay"),
        pytest.param(leaf("d", WAIT), id="wait"),
        pytest.param(leaf("d", n.ActivitySpec(name="x")), id="activity"),
        pytest.param(task("d", error=RETRY), id="a-step-that-sleeps-before-a-retry"),
    ],
)
def test_cancel_reaches_what_sleeps_or_waits(step: n.Node) -> None:
    play = Play(graph(step), {"d": bad()}).settle()
    play.tell(CancelRequested())
    assert play.status() == InstanceStatus.TERMINATED
    assert play.statuses() == {"d": "Cancelled"}


def test_cancelling_twice_changes_nothing() -> None:
    play = Play(graph(task("a")), {"a": NEVER}).settle()
    play.tell(CancelRequested())
    assert not play.tell(CancelRequested()).changed


def test_suspend_starts_nothing_new_and_lets_running_steps_finish() -> None:
    play = Play(graph(task("a"), task("b")))
    play.tell(SuspendRequested())
    play.settle()
    assert play.started == ["a"]
    assert play.statuses() == {"a": "Complete"}
    assert play.status() == InstanceStatus.SUSPENDED
    play.tell(ResumeRequested())
    assert play.settle().started == ["a", "b"]


def test_hooks_do_not_run_while_suspended() -> None:
    play = Play(graph(task("a", ensure=task("e"))))
    play.tell(SuspendRequested())
    assert play.settle().started == ["a"]
    play.tell(ResumeRequested())
    assert play.settle().started == ["a", "a/ensure"]


def test_timers_that_came_while_suspended_act_at_resume() -> None:
    play = Play(graph(leaf("d", n.DelaySpec(duration="10s")), task("a"))).settle()
    play.tell(SuspendRequested())
    assert play.sleep(60).started == []
    play.tell(ResumeRequested())
    assert play.settle().started == ["a"]


def test_an_event_that_came_while_suspended_acts_at_resume() -> None:
    play = Play(graph(leaf("w", WAIT), task("a"))).settle()
    play.tell(SuspendRequested())
    play.publish("go", "k", {"x": 1}, 1)
    assert play.started == []
    play.tell(ResumeRequested())
    assert play.settle().started == ["a"]


def test_the_time_spent_suspended_does_not_count_for_the_workflows_timeout() -> None:
    play = Play(graph(task("a"), timeout=timedelta(minutes=1)), {"a": NEVER}).sleep(30)
    play.tell(SuspendRequested())
    play.sleep(3600)
    play.tell(ResumeRequested())
    assert play.sleep(29).instance.status is InstanceStatus.RUNNING
    assert play.sleep(1).instance.status is InstanceStatus.FAILED


def test_cancel_of_a_suspended_instance_runs_its_ensure_hooks() -> None:
    play = Play(graph(task("a", ensure=task("e")), task("b")))
    play.tell(SuspendRequested())
    play.settle()
    play.tell(CancelRequested())
    assert play.settle().started == ["a", "a/ensure"]
    assert play.status() == InstanceStatus.TERMINATED


def test_a_suspended_parent_suspends_and_resumes_its_children() -> None:
    play = Play(graph(leaf("c", n.ChildSpec(workflow="other")))).settle()
    suspended = play.tell(SuspendRequested())
    assert [type(command) for command in suspended.commands] == [c.SuspendChild]
    assert [type(command) for command in play.tell(ResumeRequested()).commands] == [c.ResumeChild]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (InstanceStatus.COMPLETE, InstanceStatus.COMPLETE),
        (InstanceStatus.FAILED, InstanceStatus.FAILED),
        (InstanceStatus.TERMINATED, InstanceStatus.TERMINATED),
    ],
)
def test_end_cancels_all_else_runs_ensure_and_takes_its_status(
    status: InstanceStatus, expected: InstanceStatus
) -> None:
    end = leaf("stop", n.EndSpec(status=status, message="enough of ((n))"))
    flow = graph(
        par("p", task("slow", ensure=task("e")), seq("q", task("a"), end, task("never"))), task("after")
    )
    play = Play(flow, {"p/slow": NEVER}, inputs={"n": 3}).settle()
    assert play.started == ["p/slow", "p/q/a", "p/slow/ensure"]
    assert play.instance.status is expected
    assert play.instance.message == "enough of 3"
    assert play.statuses()["p/q/stop"] == "Complete"


def test_end_as_the_last_step_does_nothing_more() -> None:
    play = Play(graph(task("a"), leaf("stop", n.EndSpec()))).settle()
    assert play.status() == InstanceStatus.COMPLETE


def test_a_wait_takes_an_event_and_merges_its_payload() -> None:
    play = Play(graph(leaf("w", WAIT))).settle()
    play.publish("go", "other", {"x": 0}, 1).publish("go", "k", {"x": 1}, 2)
    assert (play.instance.status, play.instance.data) == (InstanceStatus.COMPLETE, {"x": 1})


@pytest.mark.parametrize(
    ("output", "payload", "data"),
    [
        pytest.param("got", {"x": 1}, {"got": {"x": 1}}, id="whole-under-a-name"),
        pytest.param(None, [1], {"w": [1]}, id="what-is-no-object-goes-under-the-steps-name"),
    ],
)
def test_where_a_payload_goes(output: str | None, payload: object, data: dict[str, object]) -> None:
    play = Play(graph(leaf("w", n.WaitSpec(event="go", key="k", output=output)))).settle()
    assert play.publish("go", "k", payload, 1).instance.data == data


def test_a_loop_never_takes_the_same_event_twice() -> None:
    flow = graph(while_("w", Compare(field=".n", operator="not_equals", value=3), leaf("x", WAIT)))
    play = Play(flow, inputs={"n": 0}).settle()
    play.publish("go", "k", {"n": 1}, 7)
    assert play.waiting["w[1]/x"].after == 7
    play.publish("go", "k", {"n": 1}, 7)
    assert "w[1]/x" in play.instance.pointers
    play.publish("go", "k", {"n": 3}, 8)
    assert play.status() == InstanceStatus.COMPLETE


def test_parallel_waiters_each_get_a_copy_and_the_join_moves_on() -> None:
    play = Play(graph(par("p", leaf("a", WAIT), leaf("b", WAIT)), leaf("c", WAIT))).settle()
    play.publish("go", "k", 1, 5)
    assert play.waiting["c"].after == 5


def test_a_wait_that_times_out_is_a_failure() -> None:
    play = Play(graph(leaf("w", WAIT, timeout="10s"))).sleep(10)
    assert play.instance.failure is not None
    assert play.instance.failure.reason == "Timeout"
    assert not play.waiting


def test_an_activity_is_offered_with_its_parameters_and_its_report_ends_it() -> None:
    step = leaf("a", n.ActivitySpec(name="review", params={"who": "((user))"}))
    play = Play(graph(step), inputs={"user": "ann"}).settle()
    assert play.offers["a"].params == {"who": "ann"}
    play.tell(TaskEnded(path="a", attempt=1, outcome=TaskOutcome.COMPLETE, outputs={"ok": True}))
    assert play.instance.data == {"user": "ann", "ok": True}


def test_a_failed_activity_is_offered_again_on_retry() -> None:
    play = Play(graph(leaf("a", n.ActivitySpec(name="x"), error=RETRY))).settle()
    failure = Failure(reason=Reason.ERROR, message="no")
    play.tell(TaskEnded(path="a", attempt=1, outcome=TaskOutcome.FAILED, failure=failure))
    play.sleep(5)
    assert play.offers["a"].attempt == 2


def test_a_childs_outputs_come_back_renamed() -> None:
    step = leaf("c", n.ChildSpec(workflow="other", inputs={"x": "((n))"}, outputs={"new": "old"}))
    play = Play(graph(step), inputs={"n": 5}).settle()
    assert play.children["c"].inputs == {"x": 5}
    play.child_ends("c", InstanceStatus.COMPLETE, old=1, other=2)
    assert play.instance.data == {"n": 5, "new": 1}


@pytest.mark.parametrize("status", [InstanceStatus.FAILED, InstanceStatus.TERMINATED])
def test_a_child_that_did_not_complete_fails_the_step(status: InstanceStatus) -> None:
    play = Play(graph(leaf("c", n.ChildSpec(workflow="other")))).settle().child_ends("c", status)
    assert play.instance.failure is not None
    assert play.instance.failure.reason == "ChildFailed"


def test_a_cancelled_parent_cancels_its_child_and_waits_for_its_end() -> None:
    play = Play(graph(leaf("c", n.ChildSpec(workflow="other")))).settle()
    cancelled = play.tell(CancelRequested())
    assert [type(command) for command in cancelled.commands] == [c.CancelChild]
    assert play.status() == InstanceStatus.RUNNING
    play.tell(ChildEnded(path="c", attempt=1, status=InstanceStatus.TERMINATED))
    assert play.status() == InstanceStatus.TERMINATED


def test_a_retried_child_is_another_instance() -> None:
    play = Play(graph(leaf("c", n.ChildSpec(workflow="other"), error=RETRY))).settle()
    first = play.children["c"].child
    play.child_ends("c", InstanceStatus.FAILED).sleep(5)
    assert play.children["c"].child != first


def test_what_is_outstanding_is_what_was_commanded_and_not_answered() -> None:
    flow = graph(
        par("p", task("a"), leaf("w", WAIT), leaf("c", n.ChildSpec(workflow="o")), each("e", [1], task("b")))
    )
    play = Play(flow, {"p/a": NEVER, "p/e[0]/b": NEVER}).settle()
    commanded = {(type(x), x.path) for decision in play.decisions for x in decision.commands}
    assert {(type(x), x.path) for x in play.outstanding()} == commanded
    play.tell(ok().__class__(path="p/a", attempt=1, outcome=TaskOutcome.COMPLETE))
    assert (c.StartTask, "p/a") not in {(type(x), x.path) for x in play.outstanding()}


def test_a_retry_of_a_failed_instance_carries_what_completed_and_runs_the_rest() -> None:
    flow = graph(task("a"), each("e", [1, 2], task("b")), task("c"))
    first = Play(flow, {"a": ok(x=1), "e[0]/b": ok(y=1), "e[1]/b": bad()}).settle()
    ends = completed(flow, first.records.values())
    second = Play(flow, carried=ends).settle()
    assert second.started == ["e[1]/b", "c"]
    assert second.instance.data == {"x": 1, "y": 1}
    assert not second.instance.lists


def test_a_resume_for_a_reason_leaves_what_was_suspended_for_another() -> None:
    play = Play(graph(leaf("d", n.DelaySpec(duration="1h"))))
    play.tell(SuspendRequested(reason="its own"))
    play.tell(ResumeRequested(reason="its parent's"))
    assert play.status() == InstanceStatus.SUSPENDED
    play.tell(ResumeRequested(reason="its own"))
    assert play.status() == InstanceStatus.RUNNING


def test_an_attempt_that_is_lost_while_it_is_being_stopped_has_stopped() -> None:
    end = leaf("end", n.EndSpec(status=InstanceStatus.COMPLETE))
    play = Play(graph(par("p", task("a"), seq("s", task("b"), end))), {"p/a": NEVER})
    play.step()
    play.pending.clear()
    play.tell(TaskEnded(path="p/a", attempt=1, outcome=TaskOutcome.LOST))
    assert play.status() == InstanceStatus.COMPLETE
    assert play.statuses()["p/a"] == "Cancelled"


def test_an_order_of_the_parent_that_is_older_than_the_last_comes_too_late() -> None:
    play = Play(graph(leaf("d", n.DelaySpec(duration="1h"))))
    play.tell(ResumeRequested(reason="its parent's", parent_revision=3))
    play.tell(SuspendRequested(reason="its parent's", parent_revision=2))
    assert play.status() == InstanceStatus.RUNNING
    play.tell(SuspendRequested(reason="its parent's", parent_revision=4))
    assert play.status() == InstanceStatus.SUSPENDED
