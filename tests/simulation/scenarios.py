"""The scenarios that the simulation plays: every primitive, every error behaviour, every way to stop."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from tests.unit.engine.nodes import (
    COMPENSATE,
    SUSPEND,
    each,
    graph,
    if_,
    leaf,
    par,
    recur,
    saga,
    schedule,
    seq,
    switch,
    task,
    while_,
)
from wfe.expr.condition import Compare
from wfe.graph import node as n
from wfe.graph.graph import Field, Graph
from wfe.graph.node import ErrorBehavior, OnError
from wfe.model.instance import WorkflowRef
from wfe.model.status import InstanceStatus
from wfe.testing.simulation import Act, Does, Scenario

RETRY: Final = ErrorBehavior(type=OnError.RETRY, max_retries=2, jitter=0.5)
FAILS: Final = Does(code=3)
FOREVER: Final = Does(forever=True)
WAIT: Final = n.WaitSpec(event="go", key="k")


def out(seconds: float = 1.0, **outputs: Any) -> Does:
    return Does(seconds=seconds, outputs=outputs)


def is_less(name: str, than: int) -> Compare:
    return Compare(field=f".{name}", operator="lt", value=than)


def child_graph(*steps: n.Node, **more: Any) -> Graph:
    return replace(graph(*steps, **more), workflow=WorkflowRef("child", 1, "of the child"), source="child")


def child(name: str, **more: Any) -> n.Node:
    return leaf(name, n.ChildSpec(workflow="child", inputs=more.pop("inputs", {})), **more)


def delay(name: str, duration: str) -> n.Node:
    return leaf(name, n.DelaySpec(duration=duration))


CONTAINERS: Final = (
    Scenario(
        name="sequence",
        graph=graph(seq("s", task("a"), seq("t", task("b"))), task("c")),
        script={"s/a": out(x=1), "s/t/b": out(0.0, x=2), "c": out(y=3)},
    ),
    Scenario(
        name="parallel",
        graph=graph(par("p", task("a"), seq("s", task("b"), task("c")), task("d")), task("e")),
        script={"p/a": out(3, x=1), "p/s/c": out(0.5, x=2), "p/d": out(0.0, x=3, y=1)},
    ),
    Scenario(
        name="parallel, more than run at once",
        graph=graph(par("p", *(task(f"t{i}") for i in range(6)))),
        script={f"p/t{i}": out(1 + i % 3, **{f"x{i}": i}) for i in range(6)},
        limit=2,
    ),
    Scenario(
        name="parallel, a failure stops the others",
        graph=graph(par("p", task("a", ensure=task("e")), task("b"), delay("d", "1h"))),
        script={"p/a": FOREVER, "p/b": FAILS},
        status="Failed",
    ),
    Scenario(
        name="parallel, a failure lets the others finish",
        graph=graph(par("p", task("a"), task("b"), fail_fast=False)),
        script={"p/a": out(3, x=1), "p/b": FAILS},
        status="Failed",
    ),
    Scenario(
        name="if",
        graph=graph(task("a"), if_("i", is_less("x", 2), [task("b")], [task("c")])),
        script={"a": out(x=1), "i/b": out(y=1)},
    ),
    Scenario(
        name="switch",
        graph=graph(task("a"), switch("s", "((x))", {"1": [task("b")], "2": [task("c")]}, [task("d")])),
        script={"a": out(x=2), "s/c": out(y=1)},
    ),
    Scenario(
        name="while",
        graph=graph(while_("w", is_less("n", 3), task("a"), task("b"))),
        inputs={"n": 0},
        script={f"w[{i}]/a": out(0.2, n=i + 1) for i in range(3)},
    ),
    Scenario(
        name="for each",
        graph=graph(each("e", list(range(7)), task("a"), max_parallel=3, collect={"all": "x"})),
        script={f"e[{i}]/a": out((i * 5) % 3, x=i * i) for i in range(7)},
    ),
    Scenario(
        name="for each, one by one",
        graph=graph(each("e", list("abc"), task("a"), max_parallel=1)),
        script={f"e[{i}]/a": out(0.5, x=i) for i in range(3)},
    ),
    Scenario(
        name="recur",
        graph=graph(recur("r", "5s", Compare(field=".n", operator="gte", value=3), task("a"))),
        script={f"r[{i}]/a": out(n=i + 1) for i in range(3)},
    ),
    Scenario(
        name="schedule",
        graph=graph(task("a"), schedule("later", "20s", task("c")), task("b")),
        script={"b": out(x=1), "later/c": out(x=2)},
    ),
    Scenario(
        name="nesting",
        graph=graph(
            each(
                "e",
                [1, 2],
                par("p", task("a"), while_("w", is_less("n", 2), task("b"))),
                if_("i", is_less("n", 5), [seq("s", task("c"), delay("d", "2s"))]),
                collect={"all": "n"},
            )
        ),
        inputs={"n": 0},
        script={f"e[{i}]/p/w[{j}]/b": out(0.3, n=j + 1) for i in range(2) for j in range(2)},
    ),
    Scenario(name="skipped", graph=graph(task("a", when=is_less("n", 1)), task("b")), inputs={"n": 1}),
)

WAITING: Final = (
    Scenario(name="delay", graph=graph(delay("d", "20s"), task("a"))),
    Scenario(name="until", graph=graph(leaf("u", n.UntilSpec(time="2030-01-01T00:00:20Z")), task("a"))),
    Scenario(
        name="wait, published early",
        graph=graph(task("a"), leaf("w", WAIT)),
        script={"a": Does(seconds=10)},
        acts=(Act(at=2, what="publish", name="go", key="k", payload={"x": 1}),),
    ),
    Scenario(
        name="wait, published late",
        graph=graph(leaf("w", WAIT), task("a")),
        acts=(
            Act(at=8, what="publish", name="go", key="other", payload={"x": 0}),
            Act(at=9, what="publish", name="go", key="k", payload={"x": 1}),
        ),
    ),
    Scenario(
        name="wait, two waiters",
        graph=graph(par("p", leaf("v", WAIT), seq("s", task("a"), leaf("w", WAIT)))),
        acts=(Act(at=10, what="publish", name="go", key="k", payload={"x": 1}),),
    ),
    Scenario(
        name="wait, timed out",
        graph=graph(leaf("w", WAIT, timeout="12s", on_failure=task("f"))),
        status="Failed",
    ),
    Scenario(
        name="activity",
        graph=graph(leaf("a", n.ActivitySpec(name="job", params={"x": 1})), task("b")),
        acts=(Act(at=3, what="work", name="job", payload={"y": 2}),),
    ),
)

FAILURES: Final = (
    Scenario(name="terminate", graph=graph(task("a"), task("b")), script={"a": FAILS}, status="Failed"),
    Scenario(
        name="retry",
        graph=graph(task("a", error=RETRY), task("b")),
        script={"a": [FAILS, FAILS, out(x=1)]},
    ),
    Scenario(
        name="retry, used up, with hooks",
        graph=graph(task("a", error=RETRY, on_failure=task("f"), ensure=task("e"))),
        script={"a": FAILS},
        status="Failed",
    ),
    Scenario(
        name="retry of a container",
        graph=graph(seq("s", task("a"), task("b"), error=RETRY)),
        script={"s/b": FAILS, "s#2/b": out(x=1)},
    ),
    Scenario(
        name="suspend and resume",
        graph=graph(task("a", error=SUSPEND), task("b")),
        script={"a": [FAILS, out(x=1)]},
        # The second is for a step that fails later than the first comes.
        acts=(Act(at=20, what="resume"), Act(at=2500, what="resume")),
    ),
    Scenario(
        name="compensate",
        graph=graph(task("a", error=COMPENSATE, compensate=task("undo")), task("b")),
        script={"a": FAILS, "b": out(x=1)},
    ),
    Scenario(
        name="hooks",
        graph=graph(
            task("a", on_success=task("s"), ensure=task("e")),
            seq("b", task("c"), on_success=task("s"), ensure=task("e", ensure=task("e"))),
        ),
        script={"a/on_success": out(x=1), "b/ensure": out(x=2)},
    ),
    Scenario(
        name="a failing hook",
        graph=graph(task("a", on_success=task("s"), ensure=task("e"))),
        script={"a/on_success": FAILS},
        status="Failed",
    ),
    Scenario(
        name="step that never ends, in time",
        graph=graph(seq("s", task("a", ensure=task("e")), timeout="10s")),
        script={"s/a": FOREVER},
        status="Failed",
    ),
)

SAGAS: Final = (
    Scenario(
        name="saga",
        graph=graph(saga("s", task("a", compensate=task("x")), task("b", compensate=task("y")), task("c"))),
        script={"s/a": out(n=1), "s/c": FAILS},
        status="Failed",
    ),
    Scenario(
        name="saga that recovers, around parallel steps",
        graph=graph(
            saga(
                "s",
                par("p", task("a", compensate=task("x")), task("b", compensate=task("y"))),
                task("c"),
                compensate=task("z"),
            ),
            task("d"),
        ),
        script={"s/p/a": out(2), "s/c": FAILS},
    ),
    Scenario(
        name="saga that is tried again",
        graph=graph(saga("s", task("a", compensate=task("x")), task("b"), error=RETRY)),
        script={"s/b": FAILS, "s#2/b": out(x=1)},
    ),
    Scenario(
        name="saga, an undo fails",
        graph=graph(saga("s", task("a", compensate=task("x", error=RETRY)), task("b"))),
        script={"s/b": FAILS, "s/a/compensate": FAILS},
        status="Failed",
    ),
    Scenario(
        name="saga, cancelled, undoes",
        graph=graph(saga("s", task("a", compensate=task("x")), delay("d", "1h"), compensate_on_cancel=True)),
        acts=(Act(at=15, once="s/d", what="cancel"),),
        status="Terminated",
    ),
)

STOPS: Final = (
    Scenario(
        name="cancel",
        graph=graph(par("p", task("a", ensure=task("e")), leaf("w", WAIT), delay("d", "1h")), task("b")),
        script={"p/a": FOREVER},
        acts=(Act(at=15, what="cancel"),),
        status="Terminated",
    ),
    Scenario(
        name="cancel while tasks wait for their turn",
        graph=graph(par("p", *(task(f"t{i}") for i in range(4)))),
        script={f"p/t{i}": FOREVER for i in range(4)},
        acts=(Act(at=15, what="cancel"),),
        status="Terminated",
        limit=2,
    ),
    Scenario(
        name="suspend and resume by a person",
        graph=graph(task("a"), delay("d", "10s"), task("b")),
        script={"a": out(x=1)},
        acts=(Act(at=3, what="suspend"), Act(at=15, what="resume")),
    ),
    Scenario(
        name="cancel while suspended",
        graph=graph(seq("s", delay("d", "1h"), ensure=task("e"))),
        acts=(Act(at=3, what="suspend"), Act(at=15, what="cancel")),
        status="Terminated",
    ),
    Scenario(
        name="end",
        graph=graph(
            par(
                "p",
                task("a", ensure=task("e")),
                seq("s", task("b"), leaf("end", n.EndSpec(status=InstanceStatus.COMPLETE))),
            ),
            task("never"),
        ),
        script={"p/a": FOREVER},
    ),
    Scenario(
        name="the whole run times out",
        graph=replace(graph(task("a", ensure=task("e"))), timeout=timedelta(seconds=15)),
        script={"a": FOREVER},
        status="Failed",
    ),
)

CHILDREN: Final = (
    Scenario(
        name="child",
        graph=graph(child("c", inputs={"x": 1}), task("b")),
        children=(child_graph(task("a"), outputs={"y": Field(name="y", type="number")}),),
        script={"a": out(y=2, z=3)},
    ),
    Scenario(
        name="children, each of its own",
        graph=graph(each("e", [1, 2, 3], child("c"), collect={"all": "y"})),
        children=(child_graph(task("a"), delay("d", "3s")),),
        script={"a": out(y=2)},
    ),
    Scenario(
        name="child that fails and is tried again",
        graph=graph(child("c", error=RETRY)),
        children=(child_graph(task("a", ensure=task("e"))),),
        script={"a": FAILS},
        status="Failed",
    ),
    Scenario(
        name="child, cancelled with its parent",
        graph=graph(par("p", child("c"), delay("d", "1h"))),
        children=(child_graph(task("a", ensure=task("e"))),),
        script={"a": FOREVER},
        acts=(Act(at=15, what="cancel"),),
        status="Terminated",
    ),
    Scenario(
        name="child, suspended with its parent",
        graph=graph(child("c"), task("b")),
        children=(child_graph(task("a"), delay("d", "15s"), task("c")),),
        script={"a": Does(seconds=10)},
        acts=(Act(at=3, what="suspend"), Act(at=15, what="resume")),
    ),
    Scenario(
        name="child, suspended and resumed at once",
        graph=graph(child("c"), task("b")),
        children=(child_graph(task("a"), delay("d", "15s"), task("c")),),
        acts=(Act(at=3, what="suspend"), Act(at=3, what="resume")),
    ),
    Scenario(
        name="child that takes too long",
        graph=graph(child("c", timeout="12s")),
        children=(child_graph(delay("d", "1h")),),
        status="Failed",
    ),
)

TOGETHER: Final = tuple(
    replace(scenario, name=f"two hosts: {scenario.name}", hosts=2)
    for scenario in (
        *CONTAINERS[:2],
        WAITING[0],
        WAITING[3],
        FAILURES[1],
        SAGAS[1],
        *STOPS[:3],
        *CHILDREN[:5],
    )
)

IN_PODS: Final = tuple(
    replace(scenario, name=f"in pods: {scenario.name}", pods=True)
    for scenario in (CONTAINERS[0], FAILURES[1], SAGAS[1], STOPS[0], CHILDREN[0], CHILDREN[2], TOGETHER[0])
)

PARKED: Final = tuple(
    replace(scenario, name=f"parked: {scenario.name}", parks=True)
    for scenario in (*WAITING, *STOPS[:3], CHILDREN[2], CHILDREN[3], *TOGETHER[2:4])
)

SCENARIOS: Final = (
    *CONTAINERS, *WAITING, *FAILURES, *SAGAS, *STOPS, *CHILDREN, *TOGETHER, *IN_PODS, *PARKED
)  # fmt: skip
