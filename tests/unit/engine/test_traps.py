"""The fifteen traps of the engine that this one descends from, and that ours is free of each.

T1 to T15 are the names they have in our notes: each test plays the situation that went wrong there.
"""

from tests.unit.engine.nodes import (
    COMPENSATE,
    RETRY,
    SUSPEND,
    each,
    graph,
    if_,
    leaf,
    par,
    saga,
    seq,
    task,
    while_,
)
from tests.unit.engine.play import NEVER, Play, bad, ok
from wfe.expr.condition import Compare
from wfe.graph import node as n
from wfe.graph.node import Node
from wfe.model import commands as c
from wfe.model.signals import ResumeRequested, TaskEnded, TaskOutcome
from wfe.model.status import InstanceStatus

YES = Compare(field=".nothing", operator="is_null", value=True)


def undoable(name: str) -> Node:
    return task(name, compensate=task(f"u{name}"))


def undone(play: Play) -> list[str]:
    return [path.removesuffix("/compensate") for path in play.started if path.endswith("/compensate")]


def test_t1_a_saga_that_fails_with_nothing_to_recover_it_is_a_failure_and_never_complete() -> None:
    play = Play(graph(saga("s", task("x")), task("after")), {"s/x": bad()}).settle()
    assert play.status() == InstanceStatus.FAILED
    assert "after" not in play.started


def test_t2_a_compensated_failure_inside_a_container_does_not_end_the_container() -> None:
    step = task("x", error=COMPENSATE, compensate=task("u"))
    flow = graph(if_("i", YES, [step, task("rest")]), each("e", [1], task("y")), task("after"))
    play = Play(flow, {"i/x": bad()}).settle()
    assert play.started == ["i/x", "i/x/compensate", "i/rest", "e[0]/y", "after"]
    assert play.status() == InstanceStatus.COMPLETE


def test_t3_what_finished_in_a_finished_nested_container_is_undone() -> None:
    flow = graph(saga("s", if_("i", YES, [each("e", [1], undoable("a"))]), task("x")))
    assert undone(Play(flow, {"s/x": bad()}).settle()) == ["s/i/e[0]/a"]


def test_t4_a_compensation_that_fails_does_not_hang_those_after_it() -> None:
    flow = graph(saga("s", undoable("a"), undoable("b"), task("x"), compensate=task("u")), task("after"))
    play = Play(flow, {"s/x": bad(), "s/b/compensate": bad()}).settle()
    assert undone(play) == ["s/b", "s/a"]
    assert play.status() == InstanceStatus.FAILED
    assert "after" not in play.started


def test_t5_siblings_do_not_go_on_once_the_undo_began() -> None:
    flow = graph(saga("s", par("p", task("x"), seq("q", undoable("a"), task("b")))))
    play = Play(flow, {"s/p/x": bad(), "s/p/q/a": ok()}).settle()
    assert "s/p/q/b" not in play.started
    assert undone(play) == ["s/p/q/a"]


def test_t6_a_saga_with_retry_in_a_container_does_not_end_the_container() -> None:
    flow = graph(each("e", [1], saga("s", undoable("a"), task("x"), error=RETRY), task("b")), task("after"))
    play = Play(flow, {"e[0]/s/x": bad()}).sleep(60)
    assert play.started[-4:] == ["e[0]/s#2/a", "e[0]/s#2/x", "e[0]/b", "after"]


def test_t7_a_saga_is_not_retried_before_its_compensations_have_ended() -> None:
    flow = graph(saga("s", undoable("a"), task("x"), error=RETRY))
    play = Play(flow, {"s/x": bad(), "s/a/compensate": NEVER}).sleep(3600)
    assert "s#2/a" not in play.started


def test_t8_what_comes_after_a_recovered_saga_waits_for_the_whole_undo() -> None:
    flow = graph(saga("s", undoable("a"), undoable("b"), task("x"), compensate=task("u")), task("after"))
    play = Play(flow, {"s/x": bad()})
    play.choose = lambda pending: len(pending) - 1
    assert play.settle().started[-4:] == ["s/b/compensate", "s/a/compensate", "s/compensate", "after"]


def test_t9_a_nested_saga_that_recovers_contains_its_failure() -> None:
    inner = saga("i", undoable("b"), task("x"), compensate=task("u"))
    play = Play(graph(saga("o", undoable("a"), inner, task("c"))), {"o/i/x": bad()}).settle()
    assert undone(play) == ["o/i/b", "o/i"]
    assert play.started[-1] == "o/c"
    assert play.status() == InstanceStatus.COMPLETE


def test_t10_items_after_a_failed_one_do_not_start_and_those_that_ran_are_undone() -> None:
    flow = graph(saga("s", each("e", [0, 1, 2, 3], undoable("a"), max_parallel=2)))
    play = Play(flow, {"s/e[0]/a": ok(), "s/e[1]/a": bad()}).settle()
    assert "s/e[3]/a" not in play.started
    assert set(undone(play)) >= {"s/e[0]/a", "s/e[1]/a"}
    assert len(undone(play)) == len([path for path in play.started if path.endswith("/a")])


def test_t11_an_end_in_one_branch_stops_the_others_and_leaves_nothing_open() -> None:
    flow = graph(par("p", leaf("stop", n.EndSpec()), seq("q", task("a"), task("b"))))
    play = Play(flow).settle()
    assert play.started in ([], ["p/q/a"])
    assert play.status() == InstanceStatus.COMPLETE
    assert not play.instance.pointers
    assert [change for change in play.decisions[-1].lifecycle if getattr(change, "reason", None) == "Ended"]


def test_t12_a_saga_that_suspends_undoes_before_it_is_suspended() -> None:
    flow = graph(saga("s", undoable("a"), task("x"), error=SUSPEND))
    play = Play(flow, {"s/x": bad()}).settle()
    assert undone(play) == ["s/a"]
    assert play.status() == InstanceStatus.SUSPENDED
    play.tell(ResumeRequested())
    assert play.settle().started[-2:] == ["s#2/a", "s#2/x"]


def test_t13_a_failed_activity_asks_the_worker_again_on_retry() -> None:
    play = Play(graph(leaf("a", n.ActivitySpec(name="x"), error=RETRY))).settle()
    play.tell(TaskEnded(path="a", attempt=1, outcome=TaskOutcome.FAILED))
    offered = [x for d in play.sleep(5).decisions for x in d.commands if isinstance(x, c.OfferActivity)]
    assert [offer.attempt for offer in offered] == [1, 2]


def test_t14_a_step_that_ended_before_a_stop_is_known_from_what_is_outstanding() -> None:
    # There, the save was cancelled with the shutdown and the step ran again; here an unsaved end is asked for again.
    play = Play(graph(task("a"), task("b")), {"a": ok(x=1)})
    assert [command.path for command in play.outstanding() if isinstance(command, c.StartTask)] == ["a"]
    play.settle()
    assert play.started == ["a", "b"]


def test_t15_nothing_of_a_decision_is_left_to_run_after_the_call() -> None:
    flow = graph(while_("w", Compare(field=".n", operator="lt", value=2), task("a")))
    play = Play(flow, {"w[0]/a": ok(n=1), "w[1]/a": ok(n=2)}, inputs={"n": 0}).settle()
    assert not play.decisions[-1].commands
    assert play.outstanding() == ()
