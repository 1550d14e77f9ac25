"""What holds for every workflow: generated ones, played in generated orders."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.nodes import RETRY, each, graph, if_, par, saga, seq, task, while_
from tests.unit.engine.play import START, Play, bad, lost, ok
from wfe.engine import advance, outstanding
from wfe.expr.condition import Compare
from wfe.graph.graph import Graph
from wfe.graph.node import ErrorBehavior, Node
from wfe.model.codec import decode, encode_head, encode_parts
from wfe.model.commands import StartTask
from wfe.model.instance import Instance
from wfe.model.parts import part_names
from wfe.model.signals import CancelRequested, ResumeRequested, Signal, SuspendRequested, TaskEnded

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
YES = Compare(field=".nothing", operator="is_null", value=True)


class Names:
    """Gives every node a name of its own."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"n{self.count}"


@st.composite
def steps(draw: st.DrawFn, names: Names, depth: int) -> Node:
    kinds = ["task"] if depth == 0 else ["task", "task", "seq", "par", "saga", "each", "if", "while"]
    kind = draw(st.sampled_from(kinds))
    name = names()
    more: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        more["error"] = RETRY
    for hook in ("ensure", "on_failure", "on_success", "compensate"):
        if draw(st.integers(0, 5)) == 0:
            more[hook] = task(names())
    if kind == "task":
        return task(name, **more)
    body = draw(st.lists(steps(names, depth - 1), min_size=1, max_size=3))
    match kind:
        case "seq":
            return seq(name, *body, **more)
        case "par":
            return par(name, *body, fail_fast=draw(st.booleans()), **more)
        case "saga":
            return saga(name, *body, **more)
        case "each":
            parallel = draw(st.integers(1, 3))
            return each(name, [1, 2, 3], *body, max_parallel=parallel, collect={"all": "x"}, more=more)
        case "if":
            return if_(name, YES, body, **more)
        case _:
            return while_(
                name, Compare(field=f".{name}", operator="is_null", value=True), *body, task(names())
            )


@st.composite
def workflows(draw: st.DrawFn) -> Graph:
    names = Names()
    return graph(*draw(st.lists(steps(names, 2), min_size=1, max_size=3)))


def script(flow: Graph, choice: dict[str, int]) -> dict[str, Any]:
    """Return answers for every task there can be, by the node's name: good, bad once, bad, lost once."""

    class Script(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            name = path.rsplit("/", 1)[-1].split("[", maxsplit=1)[0].split("#", maxsplit=1)[0]
            good = ok(x=path, **dict.fromkeys(whiles, path))
            table = [good, [bad(), good], bad(), [lost(), good]]
            return table[choice.get(name, 0)]

    whiles = [node.name for node in flow.nodes.values() if node.type == "while"]
    return Script()


class Order:
    """Chooses what happens next by a list of numbers."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers
        self.at = 0

    def __call__(self, pending: list[Any]) -> int:
        self.at += 1
        return self.numbers[self.at % len(self.numbers)] % len(pending) if self.numbers else 0


ORDERS = st.lists(st.integers(0, 5), min_size=1, max_size=20)
CHOICES = st.dictionaries(st.sampled_from([f"n{i}" for i in range(12)]), st.integers(0, 3), max_size=4)


def play_through(flow: Graph, choice: dict[str, int], order: list[int]) -> Play:
    play = Play(flow, script(flow, choice))
    play.choose = Order(order)
    return play.sleep(600)


@SETTINGS
@given(workflows(), ORDERS, ORDERS)
def test_the_order_in_which_signals_arrive_does_not_matter(
    flow: Graph, one: list[int], other: list[int]
) -> None:
    first, second = play_through(flow, {}, one), play_through(flow, {}, other)
    assert first.instance.status == second.instance.status
    assert first.instance.data == second.instance.data
    assert first.statuses().items() == second.statuses().items()


@SETTINGS
@given(workflows(), CHOICES, ORDERS)
def test_every_instance_ends_and_leaves_nothing_behind(
    flow: Graph, choice: dict[str, int], order: list[int]
) -> None:
    play = play_through(flow, choice, order)
    assert play.instance.status.is_final
    assert not play.instance.pointers
    assert not play.instance.undo
    assert set(play.instance.scopes) == {""}
    assert not play.instance.lists


@SETTINGS
@given(workflows(), CHOICES, ORDERS)
def test_every_save_is_one_more_and_only_touched_parts_changed(
    flow: Graph, choice: dict[str, int], order: list[int]
) -> None:
    play = play_through(flow, choice, order)
    stored: dict[str, bytes] = {}
    revision = 0
    for decision in play.decisions:
        if not decision.changed:
            assert decision.instance.revision == revision
            continue
        revision += 1
        assert decision.instance.revision == revision
        for name, body in encode_parts(decision.instance, decision.touched).items():
            if body is None:
                stored.pop(name, None)
            else:
                stored[name] = body
        assert decode(encode_head(decision.instance), stored) == decision.instance


@SETTINGS
@given(workflows(), CHOICES, ORDERS, st.integers(0, 30))
def test_a_saved_instance_loaded_and_continued_equals_one_never_stopped(
    flow: Graph, choice: dict[str, int], order: list[int], at: int
) -> None:
    whole = play_through(flow, choice, order)
    stopped = Play(flow, script(flow, choice))
    stopped.choose = Order(order)
    for _ in range(at):
        stopped.step()
    stopped.instance = reloaded(stopped.instance)
    stopped.sleep(600)
    assert normal(stopped.instance) == normal(whole.instance)
    assert stopped.statuses() == whole.statuses()


def reloaded(instance: Instance) -> Instance:
    parts = encode_parts(instance, part_names(instance))
    return decode(encode_head(instance), {name: body for name, body in parts.items() if body is not None})


def normal(instance: Instance) -> Instance:
    return replace(instance, finished_at=None, revision=0)


@SETTINGS
@given(workflows(), CHOICES, ORDERS)
def test_a_decision_replayed_is_the_same_decision(
    flow: Graph, choice: dict[str, int], order: list[int]
) -> None:
    play = Play(flow, script(flow, choice))
    play.choose = Order(order)
    while play.pending:
        signal = play.pending.pop(play.choose(play.pending))
        before = play.instance
        again = advance(flow, before, [signal], world=play.world)
        assert play.tell(signal) == again


@SETTINGS
@given(workflows(), CHOICES, ORDERS)
def test_terminal_states_are_final(flow: Graph, choice: dict[str, int], order: list[int]) -> None:
    play = play_through(flow, choice, order)
    end = play.instance
    stale: list[Signal] = [TaskEnded(path="n1", attempt=1, outcome=ok().outcome)]
    for signal in (*stale, CancelRequested(), SuspendRequested(), ResumeRequested()):
        assert play.tell(signal).instance is end


@SETTINGS
@given(workflows(), CHOICES, ORDERS)
def test_retries_stay_within_their_budget(flow: Graph, choice: dict[str, int], order: list[int]) -> None:
    play = play_through(flow, choice, order)
    for record in play.records.values():
        behavior: ErrorBehavior = flow.nodes[record.node].error
        assert record.attempts <= 1 + behavior.max_retries + behavior.max_losses


@SETTINGS
@given(workflows(), CHOICES, ORDERS, st.integers(0, 12), st.booleans())
def test_cancel_or_suspend_at_any_moment_leaves_an_instance_that_ends(
    flow: Graph, choice: dict[str, int], order: list[int], at: int, cancel: bool
) -> None:
    play = Play(flow, script(flow, choice))
    play.choose = Order(order)
    for _ in range(at):
        play.step()
    play.tell(CancelRequested() if cancel else SuspendRequested())
    play.sleep(600)
    if not cancel and not play.instance.status.is_final:
        assert play.instance.status == "Suspended"
        play.tell(ResumeRequested())
        play.sleep(600)
    assert play.instance.status.is_final
    assert not play.instance.pointers
    assert not play.instance.undo


@SETTINGS
@given(workflows(), CHOICES, ORDERS, st.integers(0, 12))
def test_no_attempt_is_commanded_twice(
    flow: Graph, choice: dict[str, int], order: list[int], at: int
) -> None:
    play = play_through(flow, choice, order)
    starts = [(x.path, x.attempt) for d in play.decisions for x in d.commands if isinstance(x, StartTask)]
    assert len(starts) == len(set(starts))


def test_what_is_outstanding_after_the_end_is_nothing() -> None:
    play = Play(graph(task("a"))).settle()
    assert outstanding(play.graph, play.instance) == ()
    assert play.now >= START


@pytest.mark.parametrize("steps", [1, 100])
def test_a_decision_touches_what_it_changes_whatever_the_instances_size(steps: int) -> None:
    play = Play(graph(*(task(f"s{i}") for i in range(steps)))).settle()
    assert max(len(decision.touched) for decision in play.decisions) <= 6
