"""Containers: what runs when, and which data is seen where."""

from datetime import timedelta
from itertools import permutations

import pytest

from tests.unit.engine.nodes import (
    RETRY,
    each,
    graph,
    if_,
    leaf,
    par,
    recur,
    schedule,
    seq,
    switch,
    task,
    while_,
)
from tests.unit.engine.play import NEVER, START, Play, bad, ok
from wfe.engine import names_of
from wfe.expr.condition import Compare
from wfe.graph import node as n
from wfe.model.status import InstanceStatus


def is_less(field: str, than: int) -> Compare:
    return Compare(field=field, operator="lt", value=than)


IS_NEW = Compare(field=".n", operator="is_null", value=True)


def test_branches_of_a_parallel_block_really_run_at_once() -> None:
    play = Play(graph(par("p", task("a"), task("b"))), {"p/a": NEVER, "p/b": NEVER}).settle()
    assert set(play.running) == {"p/a", "p/b"}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_order_in_which_branches_end_never_decides_a_value(order: tuple[int, ...]) -> None:
    play = Play(graph(par("p", *(task(name) for name in "abc"))), {f"p/{x}": ok(x=x) for x in "abc"})
    ends = [play.pending[index] for index in order]
    play.pending.clear()
    for end in ends:
        play.tell(end)
    assert play.instance.data == {"x": "c"}


def test_a_branch_sees_what_surrounds_it_and_not_its_siblings() -> None:
    flow = graph(task("a"), par("p", seq("q", task("b"), task("c")), task("d")))
    play = Play(flow, {"a": ok(x=1), "p/q/b": ok(y=2), "p/q/c": NEVER, "p/d": NEVER}).settle()
    assert names_of(play.instance, "p/q/c").data() == {"x": 1, "y": 2}
    assert names_of(play.instance, "p/d").data() == {"x": 1}


def test_a_failing_branch_cancels_its_siblings() -> None:
    play = Play(graph(par("p", task("a"), task("b"))), {"p/a": bad(), "p/b": NEVER}).settle()
    assert play.killed == ["p/b"]
    assert play.statuses() == {"p": "Failed", "p/a": "Failed", "p/b": "Cancelled"}


def test_with_fail_fast_off_every_branch_runs_to_its_end() -> None:
    flow = graph(par("p", task("a"), seq("q", task("b"), task("c")), fail_fast=False))
    play = Play(flow, {"p/a": bad(3)}).settle()
    assert play.started == ["p/a", "p/q/b", "p/q/c"]
    assert play.instance.failure is not None
    assert play.instance.failure.exit_code == 3


def test_a_retried_container_runs_again_as_a_new_round() -> None:
    flow = graph(par("p", task("a"), task("b"), error=RETRY))
    play = Play(flow, {"p/a": bad()}).sleep(60)
    assert play.started == ["p/a", "p/b", "p#2/a", "p#2/b"]
    assert play.status() == InstanceStatus.COMPLETE


@pytest.mark.parametrize(
    ("data", "expected"),
    [({"n": 1}, ["i/a"]), ({"n": 9}, ["i/b"]), ({}, ["i/b"])],
    ids=["then", "else", "a-missing-field-is-not-less"],
)
def test_if_runs_one_of_its_branches(data: dict[str, int], expected: list[str]) -> None:
    play = Play(graph(if_("i", is_less(".n", 5), [task("a")], [task("b")])), inputs=data).settle()
    assert play.started == expected


def test_if_without_else_completes_and_writes_in_the_surrounding_scope() -> None:
    play = Play(graph(if_("i", is_less(".n", 5), [task("a")])), {"i/a": ok(x=1)}, inputs={"n": 1}).settle()
    assert play.instance.data == {"n": 1, "x": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("one", ["s/a"], id="text"),
        pytest.param(2, ["s/b"], id="a-number-as-text"),
        pytest.param(True, ["s/c"], id="a-bool-as-text"),
        pytest.param("other", ["s/d"], id="default"),
    ],
)
def test_switch_compares_as_text_and_takes_the_first_match(value: object, expected: list[str]) -> None:
    cases = {"one": [task("a")], "2": [task("b")], "true": [task("c")]}
    play = Play(graph(switch("s", ".v", cases, [task("d")])), inputs={"v": value}).settle()
    assert play.started == expected


def test_switch_with_no_match_and_no_default_is_skipped() -> None:
    play = Play(graph(switch("s", "x", {"y": [task("a")]}), task("b"))).settle()
    assert play.statuses() == {"s": "Skipped", "b": "Complete"}


def test_while_tests_before_each_round_and_merges_as_rounds_end() -> None:
    script = {f"w[{i}]/inc": ok(n=i + 1) for i in range(5)}
    play = Play(graph(while_("w", is_less(".n", 3), task("inc"))), script, inputs={"n": 0}).settle()
    assert play.started == ["w[0]/inc", "w[1]/inc", "w[2]/inc"]
    assert play.instance.data == {"n": 3}


def test_while_ends_failed_when_it_never_ends() -> None:
    play = Play(graph(while_("w", IS_NEW, task("inc"), max_iterations=2))).settle()
    assert play.instance.failure is not None
    assert play.instance.failure.reason == "MaxIterations"
    assert len(play.started) == 2


def test_for_each_runs_max_parallel_items_at_a_time() -> None:
    play = Play(graph(each("e", list(range(5)), task("a"), max_parallel=2)), {"e[0]/a": NEVER})
    assert play.started == ["e[0]/a", "e[1]/a"]
    play.settle()
    assert play.started == [f"e[{i}]/a" for i in range(5)]
    assert play.status() == InstanceStatus.RUNNING


@pytest.mark.parametrize("max_parallel", [1, 2, 16])
def test_collect_gathers_an_output_of_every_item_in_item_order(max_parallel: int) -> None:
    loop = each("e", "((names))", task("a"), max_parallel=max_parallel, collect={"all": "x"})
    play = Play(graph(loop), {"e[0]/a": ok(x=0), "e[2]/a": ok(x=2)}, inputs={"names": ["p", "q", "r"]})
    play.choose = lambda pending: len(pending) - 1
    assert play.settle().instance.data["all"] == [0, None, 2]


def test_the_item_and_its_number_are_seen_in_the_body() -> None:
    play = Play(graph(each("e", ["p", "q"], task("a"), item="x")), {"e[1]/a": NEVER}).settle()
    assert names_of(play.instance, "e[1]/a").locals() == {"x": "q", "x_index": 1}


def test_sequential_items_see_what_the_one_before_wrote() -> None:
    loop = each("e", [1, 2], task("a"), max_parallel=1)
    play = Play(graph(loop), {"e[0]/a": ok(last=1), "e[1]/a": NEVER}).settle()
    assert names_of(play.instance, "e[1]/a").value("last") == 1


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        pytest.param("((text))", "ConfigInvalid", id="not-a-list"),
        pytest.param(".nothing", "ConfigInvalid", id="a-path-that-leads-nowhere"),
    ],
)
def test_items_that_are_no_list_fail_the_loop(items: str, reason: str) -> None:
    play = Play(graph(each("e", items, task("a"))), inputs={"text": "abc"}).settle()
    assert play.instance.failure is not None
    assert play.instance.failure.reason == reason


def test_an_empty_list_completes() -> None:
    assert Play(graph(each("e", [], task("a")))).settle().instance.status is InstanceStatus.COMPLETE


def test_a_large_loop_remembers_what_runs_and_not_how_many_items_there_are() -> None:
    play = Play(graph(each("e", list(range(1000)), task("a"), max_parallel=4)))
    largest = 0
    while play.step():
        largest = max(largest, len(play.instance.pointers))
        spans = [p.progress.spans for p in play.instance.pointers.values()]
        assert max(map(len, spans), default=0) <= 5
    assert largest <= 10
    assert len(play.records) == 1001


def test_nested_loops_name_their_visits() -> None:
    play = Play(graph(each("o", [1, 2], each("i", [1, 2], task("a"))))).settle()
    assert play.started == ["o[0]/i[0]/a", "o[0]/i[1]/a", "o[1]/i[0]/a", "o[1]/i[1]/a"]


def test_recur_runs_at_once_then_every_interval_until_the_condition() -> None:
    until = Compare(field=".n", operator="gte", value=2)
    play = Play(graph(recur("r", "10s", until, task("a"))), {f"r[{i}]/a": ok(n=i) for i in range(5)})
    assert play.settle().started == ["r[0]/a"]
    assert play.sleep(9.9).started == ["r[0]/a"]
    assert play.sleep(10.2).started == ["r[0]/a", "r[1]/a", "r[2]/a"]
    assert play.status() == InstanceStatus.COMPLETE


def test_recur_never_overlaps() -> None:
    play = Play(graph(recur("r", "10s", None, task("a"))), {"r[0]/a": NEVER}).sleep(60)
    assert play.started == ["r[0]/a"]


def test_schedule_starts_its_steps_later_beside_the_main_path() -> None:
    play = Play(graph(schedule("s", "1m", task("late")), task("main")), {"s/late": ok(x=1)}).settle()
    assert play.started == ["main"]
    assert play.status() == InstanceStatus.RUNNING
    play.sleep(60)
    assert play.started == ["main", "s/late"]
    assert (play.instance.status, play.instance.data) == (InstanceStatus.COMPLETE, {"x": 1})


def test_delay_is_never_early() -> None:
    play = Play(graph(leaf("d", n.DelaySpec(duration="30s")), task("a"))).sleep(29.999)
    assert play.started == []
    assert play.sleep(0.001).started == ["a"]


def test_until_waits_for_a_time_and_passes_one_that_is_over() -> None:
    soon, past = (START + timedelta(seconds=5)).isoformat(), (START - timedelta(days=1)).isoformat()
    flow = graph(leaf("u", n.UntilSpec(time=soon)), task("a"), leaf("v", n.UntilSpec(time=past)), task("b"))
    assert Play(flow).sleep(4.9).started == []
    assert Play(flow).sleep(5).started == ["a", "b"]


def test_a_container_that_takes_too_long_is_stopped_and_fails() -> None:
    flow = graph(seq("s", task("a"), timeout="10s", ensure=task("e")))
    play = Play(flow, {"s/a": NEVER}).sleep(10)
    assert play.killed == ["s/a"]
    assert play.instance.failure is not None
    assert (play.instance.failure.reason, play.instance.failure.step) == ("Timeout", "s")
    assert play.started == ["s/a", "s/ensure"]


def test_a_thousand_skipped_steps_need_no_stack() -> None:
    play = Play(graph(*(task(f"s{i}", when=is_less(".n", 1)) for i in range(3000)))).settle()
    assert play.status() == InstanceStatus.COMPLETE
