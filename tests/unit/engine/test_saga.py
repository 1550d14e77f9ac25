"""Sagas: what finished is undone, newest first, one at a time, wherever it is nested."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.engine.nodes import COMPENSATE, RETRY, SUSPEND, each, graph, if_, par, saga, seq, task
from tests.unit.engine.play import NEVER, Play, bad, ok
from wfe.engine import names_of
from wfe.expr.condition import Compare
from wfe.graph.node import ErrorBehavior, Node, OnError
from wfe.model.record import StepChanged
from wfe.model.signals import CancelRequested, ResumeRequested
from wfe.model.status import InstanceStatus

YES = Compare(field=".nothing", operator="is_null", value=True)


def undoable(name: str, **more: Any) -> Node:
    return task(name, compensate=task(f"u{name}"), **more)


def undone(play: Play) -> list[str]:
    return [path.removesuffix("/compensate") for path in play.started if path.endswith("/compensate")]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([undoable("a"), undoable("b"), task("x")], ["b", "a"], id="newest-first"),
        pytest.param([undoable("a"), undoable("x")], ["x", "a"], id="the-failed-step-itself-first"),
        pytest.param([undoable("a"), task("p"), task("x")], ["a"], id="what-cannot-be-undone-is-passed"),
        pytest.param([seq("s", undoable("a")), task("x")], ["s/a"], id="in-a-finished-sequence"),
        pytest.param([if_("i", YES, [undoable("a")]), task("x")], ["i/a"], id="in-a-finished-if"),
        pytest.param(
            [each("e", [1, 2], undoable("a"), max_parallel=1), task("x")],
            ["e[1]/a", "e[0]/a"],
            id="each-item-of-a-loop",
        ),
        pytest.param([par("p", undoable("a"), task("x"))], ["p/a"], id="a-sibling-that-finished"),
        pytest.param(
            [undoable("a"), saga("inner", undoable("b")), task("x")], ["inner/b", "a"], id="a-nested-saga"
        ),
        pytest.param([undoable("a"), saga("i", undoable("b"), task("x"))], ["i/b", "a"], id="failed-inside"),
    ],
)
def test_what_finished_is_undone_newest_first(steps: list[Node], expected: list[str]) -> None:
    script = {path: bad() for path in ("s/x", "s/p/x", "s/i/x")}
    play = Play(graph(saga("s", *steps), task("after")), script).settle()
    assert undone(play) == [f"s/{path}" for path in expected]
    assert play.status() == InstanceStatus.FAILED
    assert "after" not in play.started


def test_undone_steps_are_told_as_compensated() -> None:
    play = Play(graph(saga("s", undoable("a"), task("x"))), {"s/x": bad()}).settle()
    assert play.statuses() == {
        "s": "Failed",
        "s/a": "Compensated",
        "s/x": "Failed",
        "s/a/compensate": "Complete",
    }


def test_subscribers_hear_that_a_step_was_undone() -> None:
    play = Play(graph(saga("s", undoable("a"), task("x"))), {"s/x": bad()}).settle()
    heard = [
        change.status
        for decision in play.decisions
        for change in decision.lifecycle
        if isinstance(change, StepChanged) and change.path == "s/a"
    ]
    assert heard == ["Running", "Complete", "Compensated"]


def test_compensations_run_one_at_a_time() -> None:
    script = {"s/x": bad(), "s/b/compensate": NEVER}
    play = Play(graph(saga("s", undoable("a"), undoable("b"), task("x"))), script).settle()
    assert undone(play) == ["s/b"]
    assert play.status() == InstanceStatus.RUNNING


def test_siblings_stop_before_the_undo_begins_and_what_they_finished_is_undone() -> None:
    branches = par("p", task("x"), seq("q", undoable("a"), task("slow")))
    play = Play(graph(saga("s", branches)), {"s/p/x": bad(), "s/p/q/slow": NEVER})
    play.choose = lambda pending: len(pending) - 1
    play.settle()
    assert play.killed == ["s/p/q/slow"]
    assert undone(play) == ["s/p/q/a"]
    assert play.statuses()["s/p/q/slow"] == "Cancelled"


def test_a_sibling_that_finished_while_it_was_being_stopped_is_undone() -> None:
    play = Play(graph(saga("s", par("p", task("x"), undoable("a")))), {"s/p/x": bad(), "s/p/a": ok(id=7)})
    play.settle()
    assert undone(play) == ["s/p/a"]


def test_a_saga_retried_successfully_lets_the_flow_go_on() -> None:
    flow = saga("s", undoable("a"), task("x"), error=RETRY)
    play = Play(graph(flow, task("after")), {"s/x": bad()}).sleep(60)
    assert play.started == ["s/a", "s/x", "s/a/compensate", "s#2/a", "s#2/x", "after"]
    assert play.status() == InstanceStatus.COMPLETE


def test_a_sagas_own_compensation_lets_the_flow_go_on_after_everything_is_undone() -> None:
    flow = saga("s", undoable("a"), task("x"), compensate=task("u"), error=COMPENSATE)
    play = Play(graph(flow, task("after")), {"s/x": bad()}).settle()
    assert play.started == ["s/a", "s/x", "s/a/compensate", "s/compensate", "after"]
    assert play.status() == InstanceStatus.COMPLETE


def test_an_inner_saga_that_recovered_is_not_undone_by_the_outer() -> None:
    inner = saga("i", undoable("a"), task("x"), compensate=task("u"))
    play = Play(graph(saga("o", inner, task("y"))), {"o/i/x": bad(), "o/y": bad()}).settle()
    assert undone(play) == ["o/i/a", "o/i"]
    assert play.statuses()["o/i"] == "Compensated"


def test_a_compensation_that_fails_leaves_the_others_undone_and_both_errors_told() -> None:
    script = {"s/x": bad(1), "s/b/compensate": bad(2)}
    flow = saga("s", undoable("a"), undoable("b"), task("x"), error=RETRY)
    play = Play(graph(flow), script).sleep(60)
    assert undone(play) == ["s/b", "s/a"]
    failure = play.instance.failure
    assert failure is not None
    assert [failure.exit_code, failure.also[0].exit_code] == [1, 2]


def test_a_compensation_is_retried_by_its_own_behaviour() -> None:
    step = task("a", compensate=task("u", error=RETRY))
    play = Play(graph(saga("s", step, task("x"))), {"s/x": bad(), "s/a/compensate": [bad(), ok()]}).sleep(60)
    assert undone(play) == ["s/a", "s/a"]
    assert play.statuses()["s/a"] == "Compensated"


def test_a_saga_that_suspends_undoes_first_and_runs_again_on_resume() -> None:
    flow = saga("s", undoable("a"), task("x"), error=SUSPEND)
    play = Play(graph(flow), {"s/x": bad()}).settle()
    assert undone(play) == ["s/a"]
    assert play.status() == InstanceStatus.SUSPENDED
    play.tell(ResumeRequested())
    play.settle()
    assert play.started[-2:] == ["s#2/a", "s#2/x"]
    assert play.status() == InstanceStatus.COMPLETE


@pytest.mark.parametrize(("flag", "expected"), [(False, []), (True, ["s/a"])])
def test_a_cancel_undoes_nothing_unless_asked_to(flag: bool, expected: list[str]) -> None:
    flow = saga("s", undoable("a"), task("slow"), compensate_on_cancel=flag)
    play = Play(graph(flow), {"s/slow": NEVER}).settle()
    play.tell(CancelRequested())
    play.settle()
    assert undone(play) == expected
    assert play.status() == InstanceStatus.TERMINATED


def test_a_workflow_timeout_is_a_failure_and_does_undo() -> None:
    flow = graph(saga("s", undoable("a"), task("slow")), timeout=timedelta(seconds=10))
    play = Play(flow, {"s/slow": NEVER}).sleep(11)
    assert undone(play) == ["s/a"]
    assert play.instance.failure is not None
    assert (play.instance.status, play.instance.failure.reason) == (InstanceStatus.FAILED, "Timeout")


def test_a_compensation_sees_what_its_own_step_put_out() -> None:
    script = {"s/a": ok(id=1), "s/b": ok(id=2), "s/x": bad(), "s/a/compensate": NEVER}
    play = Play(graph(saga("s", undoable("a"), task("b"), task("x"))), script).settle()
    assert names_of(play.instance, "s/a/compensate").value("id") == 1


def test_a_compensation_in_a_loop_sees_its_own_item() -> None:
    flow = saga("s", each("e", ["p", "q"], undoable("a")), task("x"))
    play = Play(graph(flow), {"s/x": bad(), "s/e[1]/a/compensate": NEVER}).settle()
    assert names_of(play.instance, "s/e[1]/a/compensate").value("item") == "q"


def test_nothing_is_kept_once_the_saga_is_over() -> None:
    flow = saga("s", each("e", ["p", "q"], undoable("a")))
    play = Play(graph(flow, task("slow")), {"slow": NEVER}).settle()
    assert not play.instance.undo
    assert set(play.instance.scopes) == {""}
    assert not play.instance.lists


def test_a_step_that_says_terminate_inside_a_saga_is_undone_all_the_same() -> None:
    stern = ErrorBehavior(type=OnError.TERMINATE)
    play = Play(graph(saga("s", undoable("a"), task("x", error=stern))), {"s/x": bad()}).settle()
    assert undone(play) == ["s/a"]
