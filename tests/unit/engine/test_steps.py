"""Steps one after another: outcomes, retries, hooks, what an error does."""

from datetime import timedelta

import pytest

from tests.unit.engine.nodes import COMPENSATE, RETRY, SUSPEND, graph, seq, task
from tests.unit.engine.play import Play, bad, lost, ok
from wfe.engine.retry import backoff
from wfe.expr.condition import Compare
from wfe.graph.node import ErrorBehavior, OnError
from wfe.model.signals import ResumeRequested, TaskEnded, TaskOutcome
from wfe.model.status import InstanceStatus


def test_steps_run_one_after_another_and_the_instance_completes() -> None:
    play = Play(graph(task("a"), task("b"))).settle()
    assert play.started == ["a", "b"]
    assert play.status() == InstanceStatus.COMPLETE
    assert play.statuses() == {"a": "Complete", "b": "Complete"}


def test_a_finished_instance_holds_no_pointers_but_its_data() -> None:
    play = Play(graph(task("a")), {"a": ok(x=1)}, inputs={"y": 2}).settle()
    assert not play.instance.pointers
    assert play.instance.data == {"y": 2, "x": 1}


def test_an_output_of_an_inputs_name_replaces_it() -> None:
    assert Play(graph(task("a")), {"a": ok(x=2)}, inputs={"x": 1}).settle().instance.data == {"x": 2}


def test_a_failing_step_fails_the_instance_and_what_follows_never_starts() -> None:
    play = Play(graph(task("a"), task("b")), {"a": bad(3)}).settle()
    assert play.started == ["a"]
    assert play.status() == InstanceStatus.FAILED
    assert play.instance.failure is not None
    assert (play.instance.failure.step, play.instance.failure.exit_code) == ("a", 3)


def test_outputs_of_a_failed_step_do_not_count() -> None:
    play = Play(graph(task("a")), {"a": bad()}).settle()
    assert play.instance.data == {}


def test_a_skipped_step_runs_no_hooks_and_the_flow_goes_on() -> None:
    no = Compare(field=".go", operator="equals", value=True)
    hooks = {"on_success": task("s"), "on_failure": task("f"), "ensure": task("e")}
    play = Play(graph(task("a", when=no, **hooks), task("b"))).settle()
    assert play.statuses() == {"a": "Skipped", "b": "Complete"}


@pytest.mark.parametrize(
    ("answers", "status", "attempts"),
    [
        pytest.param([bad(), ok()], "Complete", 2, id="second-attempt-completes"),
        pytest.param([bad(), bad(), bad()], "Failed", 3, id="two-retries-are-three-attempts"),
        pytest.param([lost(), ok()], "Complete", 2, id="a-lost-attempt-is-tried-again"),
        pytest.param([lost(), bad(), bad(), ok()], "Complete", 4, id="a-loss-is-not-charged-to-the-user"),
    ],
)
def test_retry(answers: list[object], status: str, attempts: int) -> None:
    play = Play(graph(task("a", error=RETRY)), {"a": answers}).sleep(60)  # type: ignore[dict-item]  # a table
    record = next(iter(play.records.values()))
    assert (record.status.value, record.attempts) == (status, attempts)


def test_losses_have_a_budget_of_their_own_that_ends() -> None:
    play = Play(graph(task("a")), {"a": lost()}).sleep(60)
    assert play.started == ["a"] * 4
    assert play.status() == InstanceStatus.FAILED


def test_a_retry_is_never_early() -> None:
    play = Play(graph(task("a", error=RETRY)), {"a": [bad(), ok()]}).sleep(4.999)
    assert play.started == ["a"]
    assert play.sleep(0.001).started == ["a", "a"]


@pytest.mark.parametrize(
    ("retries", "jitter", "seconds"),
    [
        pytest.param(1, 0.0, 5, id="first-waits-the-interval"),
        pytest.param(3, 0.0, 20, id="then-doubles"),
        pytest.param(9, 0.0, 60, id="up-to-the-ceiling"),
        pytest.param(10_000, 0.0, 60, id="however-often"),
        pytest.param(1, 1.0, 5.5, id="stretched-by-jitter"),
    ],
)
def test_backoff(retries: int, jitter: float, seconds: float) -> None:
    behavior = ErrorBehavior(type=OnError.RETRY, backoff=2.0, max_interval=timedelta(minutes=1), jitter=0.1)
    assert backoff(behavior, retries, jitter=jitter).total_seconds() == seconds


def test_hooks_run_after_success_in_order() -> None:
    step = task("a", on_success=task("s"), on_failure=task("f"), ensure=task("e"))
    play = Play(graph(step, task("b"))).settle()
    assert play.started == ["a", "a/on_success", "a/ensure", "b"]


def test_hooks_run_after_the_last_failed_attempt_and_the_step_is_still_failed() -> None:
    step = task("a", error=RETRY, on_success=task("s"), on_failure=task("f"), ensure=task("e"))
    play = Play(graph(step, task("b")), {"a": bad()}).sleep(60)
    assert play.started == ["a", "a", "a", "a/on_failure", "a/ensure"]
    assert play.status() == InstanceStatus.FAILED


@pytest.mark.parametrize("hook", ["on_success", "ensure"])
def test_a_failing_hook_fails_the_step(hook: str) -> None:
    play = Play(graph(task("a", **{hook: task("h")}), task("b")), {f"a/{hook}": bad()}).settle()
    assert play.statuses() == {"a": "Failed", f"a/{hook}": "Failed"}
    assert play.status() == InstanceStatus.FAILED


def test_both_failures_are_told_when_the_failure_hook_fails_too() -> None:
    play = Play(graph(task("a", on_failure=task("h"))), {"a": bad(3), "a/on_failure": bad(4)}).settle()
    failure = play.instance.failure
    assert failure is not None
    assert [failure.exit_code, failure.also[0].exit_code] == [3, 4]


def test_outputs_of_hooks_merge_also_in_an_instance_that_fails() -> None:
    play = Play(graph(task("a", on_failure=task("h"))), {"a": bad(), "a/on_failure": ok(told=True)}).settle()
    assert play.instance.data == {"told": True}


def test_a_hook_may_be_a_sequence() -> None:
    play = Play(graph(task("a", ensure=seq("e", task("x"), task("y"))))).settle()
    assert play.started == ["a", "a/ensure/x", "a/ensure/y"]


def test_suspend_parks_the_failed_step_and_resume_runs_it_again_with_a_fresh_budget() -> None:
    play = Play(graph(task("a", error=SUSPEND), task("b")), {"a": [bad(), ok()]}).settle()
    assert play.status() == InstanceStatus.SUSPENDED
    assert "step `a` failed" in (play.instance.reason or "")
    play.tell(ResumeRequested())
    play.settle()
    assert play.started == ["a", "a", "b"]
    assert play.status() == InstanceStatus.COMPLETE


def test_compensate_outside_a_saga_undoes_the_step_and_goes_on() -> None:
    step = task("a", error=COMPENSATE, compensate=task("u"))
    play = Play(graph(step, task("b")), {"a": bad()}).settle()
    assert play.started == ["a", "a/compensate", "b"]
    assert play.statuses()["a"] == "Compensated"
    assert play.status() == InstanceStatus.COMPLETE


def test_a_compensation_that_fails_fails_the_instance_with_both_errors() -> None:
    step = task("a", error=COMPENSATE, compensate=task("u"))
    play = Play(graph(step, task("b")), {"a": bad(3), "a/compensate": bad(4)}).settle()
    failure = play.instance.failure
    assert failure is not None
    assert [failure.exit_code, failure.also[0].exit_code] == [3, 4]
    assert play.started == ["a", "a/compensate"]


def test_an_output_that_is_too_large_fails_the_step_with_a_hint() -> None:
    play = Play(graph(task("a")), {"a": ok(x="y" * 65537)}).settle()
    assert play.instance.failure is not None
    assert "write it to a file" in play.instance.failure.message


def test_data_that_grows_too_large_fails_the_step_that_would_make_it_so() -> None:
    steps = [task(f"s{i}") for i in range(70)]
    play = Play(graph(*steps), {f"s{i}": ok(**{f"k{i}": "y" * 65000}) for i in range(70)}).settle()
    assert play.instance.failure is not None
    assert play.instance.failure.step == "s64"


def test_a_condition_that_cannot_be_judged_fails_the_step() -> None:
    odd = Compare(field=".x", operator="gt", value=3)
    play = Play(graph(task("a", when=odd)), inputs={"x": "text"}).settle()
    assert play.instance.failure is not None
    assert play.instance.failure.reason == "ConditionInvalid"


def test_a_stale_answer_changes_nothing() -> None:
    play = Play(graph(task("a", error=RETRY)), {"a": [bad(), None]}).sleep(5)
    before = play.instance
    decision = play.tell(TaskEnded(path="a", attempt=1, outcome=TaskOutcome.COMPLETE))
    assert decision.instance is before
    assert not decision.changed
