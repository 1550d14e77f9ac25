"""What a definition becomes for the engine."""

from datetime import timedelta
from typing import Any

import pytest

from wfe.definition import graph_from_source, read_workflow
from wfe.expr.condition import All, Compare, Not
from wfe.graph import node as n
from wfe.graph.graph import Field, Graph
from wfe.graph.node import Node, OnError
from wfe.model.status import InstanceStatus

STEP = {"name": "x", "config": {"run": "true"}}
CONDITION = {"field": "v", "equals": 1}


def compiled(*steps: Any, **more: Any) -> Graph:
    read = read_workflow({"id": "a", "steps": list(steps), **more}, variables=["v"])
    assert read.graph is not None, read.findings
    return read.graph


def node(step: dict[str, Any], **more: Any) -> Node:
    return compiled({"name": "s", **step}, **more).nodes["s"]


@pytest.mark.parametrize(
    ("step", "kind", "spec"),
    [
        pytest.param({"sequence": [STEP]}, "sequence", n.SequenceSpec(), id="sequence"),
        pytest.param({"parallel": [STEP]}, "parallel", n.ParallelSpec(), id="parallel"),
        pytest.param(
            {"parallel": [STEP], "fail_fast": False},
            "parallel",
            n.ParallelSpec(fail_fast=False),
            id="not-fail-fast",
        ),
        pytest.param({"saga": [STEP]}, "saga", n.SagaSpec(), id="saga"),
        pytest.param(
            {"saga": [STEP], "compensate_on_cancel": True},
            "saga",
            n.SagaSpec(compensate_on_cancel=True),
            id="on-cancel",
        ),
        pytest.param(
            {"if": {"condition": {"field": "v", "is_null": True}, "then": [STEP]}},
            "if",
            n.IfSpec(condition=Compare("v", "is_null", True)),
            id="if",
        ),
        pytest.param(
            {"switch": {"value": ".v", "cases": {"1": [STEP]}, "default": [{**STEP, "name": "y"}]}},
            "switch",
            n.SwitchSpec(value=".v", cases={"1": 0}, default=1),
            id="switch",
        ),
        pytest.param(
            {"while": {"condition": {"field": "v", "equals": None}, "steps": [STEP], "max_iterations": 5}},
            "while",
            n.WhileSpec(condition=Compare("v", "equals", None), max_iterations=5),
            id="while",
        ),
        pytest.param(
            {
                "for_each": {
                    "items": [1],
                    "as": "i",
                    "max_parallel": 2,
                    "collect": {"all": "one"},
                    "steps": [STEP],
                }
            },
            "for_each",
            n.ForEachSpec(items=[1], item="i", max_parallel=2, collect={"all": "one"}),
            id="for-each",
        ),
        pytest.param(
            {"wait_for": {"event": "e", "key": "((v))", "as_of": "now", "output": "o"}},
            "wait_for",
            n.WaitSpec(event="e", key="((v))", as_of="now", output="o"),
            id="wait-for",
        ),
        pytest.param({"delay": "30s"}, "delay", n.DelaySpec(duration="30s"), id="delay"),
        pytest.param({"delay": 5}, "delay", n.DelaySpec(duration=5), id="delay-of-seconds"),
        pytest.param(
            {"until": "2030-01-01T00:00:00Z"}, "until", n.UntilSpec(time="2030-01-01T00:00:00Z"), id="until"
        ),
        pytest.param(
            {"activity": {"name": "w", "params": {"a": "((v))"}, "claim": "1m"}},
            "activity",
            n.ActivitySpec(name="w", params={"a": "((v))"}, claim=timedelta(minutes=1)),
            id="activity",
        ),
        pytest.param(
            {"recur": {"every": "1h", "until": {"field": "v", "is_null": False}, "steps": [STEP]}},
            "recur",
            n.RecurSpec(every="1h", until=Compare("v", "is_null", False)),
            id="recur",
        ),
        pytest.param(
            {"schedule": {"after": "1h", "steps": [STEP]}},
            "schedule",
            n.ScheduleSpec(after="1h"),
            id="schedule",
        ),
        pytest.param(
            {"end": {"status": "Failed", "message": "no"}},
            "end",
            n.EndSpec(status=InstanceStatus.FAILED, message="no"),
            id="end",
        ),
        pytest.param(
            {"poll": {"url": "http://x"}}, "poll", n.TaskSpec(config={"url": "http://x"}), id="poll"
        ),
        pytest.param(
            {
                "type": "workflow",
                "config": {"workflow": "c", "version": 2, "inputs": {"a": 1}, "outputs": ["o"]},
            },
            "workflow",
            n.ChildSpec(workflow="c", version=2, inputs={"a": 1}, outputs={"o": "o"}),
            id="child",
        ),
        pytest.param(
            {
                "type": "workflow",
                "config": {"workflow": "c", "workflow_version": 3, "outputs": {"new": "old"}},
            },
            "workflow",
            n.ChildSpec(workflow="c", version=3, outputs={"new": "old"}),
            id="child-in-the-older-words",
        ),
        pytest.param(
            {"type": "workflow", "config": {"workflow": "c"}, "outputs": ["o", {"name": "p"}]},
            "workflow",
            n.ChildSpec(workflow="c", outputs={"o": "o", "p": "p"}),
            id="child-whose-step-names-its-outputs",
        ),
        pytest.param(
            {"type": "k8s", "config": {"image": "i", "run": "true"}},
            "kubernetes",
            n.TaskSpec(config={"image": "i", "run": "true"}),
            id="kubernetes",
        ),
        pytest.param({"type": "buildkit"}, "buildkit", n.TaskSpec(config={}), id="a-type-from-elsewhere"),
    ],
)
def test_each_kind_of_step(step: dict[str, Any], kind: str, spec: n.Spec) -> None:
    found = node(step)
    assert (found.type, found.spec) == (kind, spec)


def test_a_script_is_bound_and_its_step_tells_what_it_needs() -> None:
    step = {
        "config": {"run": "echo ((v)) # ((x))", "env": {"A": "((v))"}},
        "timeout": "5m",
        "outputs": ["o", {"name": "p"}],
    }
    assert node(step).spec == n.TaskSpec(
        config={
            "run": 'echo "${WFE_VAR_1}" # ((x))',
            "bindings": {"WFE_VAR_1": "((v))"},
            "env": {"A": "((v))"},
            "timeout": "5m",
            "outputs": ["o", "p"],
        }
    )
    assert node(step).timeout is None


def test_a_script_of_another_shell_stays_as_it_is() -> None:
    config = {"shell": "python3 -u", "run": "print(5)"}
    assert node({"config": config}).spec == n.TaskSpec(config=config)


def test_groups_that_the_language_implies_are_hidden_and_steps_keep_their_paths() -> None:
    graph = compiled(
        {"name": "i", "if": {"condition": CONDITION, "then": [STEP], "else": [{**STEP, "name": "y"}]}},
        {"name": "w", "while": {"condition": CONDITION, "steps": [{**STEP, "name": "z"}]}},
        {
            "name": "s",
            "switch": {"value": "((v))", "cases": {"a": [{**STEP, "name": "c1"}], "b": [{**STEP, "name": "c2"}]},
                       "default": [{**STEP, "name": "d"}]},
        },
    )  # fmt: skip
    shown = [path for path, each in graph.nodes.items() if not each.hidden]
    assert shown == [
        "i", "i/+then/x", "i/+else/y", "w", "w/+body/z", "s", "s/+case-0/c1", "s/+case-1/c2", "s/+default/d",
    ]  # fmt: skip
    assert graph.total_steps == 9
    assert (graph.root.path, graph.root.hidden) == ("", True)


def test_hooks_stand_under_their_role() -> None:
    hooks = {role: {"config": {"run": role}} for role in ("on_success", "on_failure", "ensure", "compensate")}
    graph = compiled({**STEP, **hooks})
    assert [path for path in graph.nodes if path.startswith("x/")] == [f"x/{role}" for role in hooks]
    assert graph.nodes["x/on_failure"].name == "x-on-failure"


def test_steps_without_a_name_get_one_that_nobody_has() -> None:
    graph = compiled(
        {"delay": 1}, {**STEP, "name": "delay-2"}, {"delay": 2}, {"sequence": [{**STEP, "name": "y"}]}
    )
    assert [each.name for each in graph.root.children] == ["delay", "delay-2", "delay-3", "sequence"]


def test_conditions_are_compiled() -> None:
    when = {"all": [{"field": ".v", "gt": 5}, {"not": {"field": "v", "in": [1]}}]}
    assert node({**STEP, "name": "s", "when": when}).when == All(
        (Compare(".v", "gt", 5), Not(Compare("v", "in", [1])))
    )


@pytest.mark.parametrize(
    ("step", "default", "expected"),
    [
        pytest.param(STEP, None, OnError.TERMINATE, id="nothing-said"),
        pytest.param(STEP, "retry", OnError.RETRY, id="the-workflow-says"),
        pytest.param(
            {**STEP, "error_behavior": {"type": "suspend"}}, "retry", OnError.SUSPEND, id="the-step-says"
        ),
        pytest.param(
            {"parallel": [STEP]}, "retry", OnError.TERMINATE, id="the-workflow-speaks-of-leaves-only"
        ),
        pytest.param({"delay": 5}, "retry", OnError.RETRY, id="a-wait-is-a-leaf"),
        pytest.param({**STEP, "compensate": {"delay": 1}}, None, OnError.COMPENSATE, id="it-can-be-undone"),
        pytest.param(
            {**STEP, "compensate": {"delay": 1}}, "suspend", OnError.COMPENSATE, id="which-says-more"
        ),
        pytest.param({**STEP, "compensate": {"delay": 1}}, "retry", OnError.RETRY, id="after-its-retries"),
        pytest.param(
            {**STEP, "compensate": {"delay": 1}, "error_behavior": {"type": "terminate"}},
            None,
            OnError.TERMINATE,
            id="unless-it-says-otherwise",
        ),
    ],
)
def test_error_behaviour(step: dict[str, Any], default: str | None, expected: OnError) -> None:
    more = {} if default is None else {"error_behavior": {"type": default}}
    assert node({**step, "name": "s"}, **more).error.type is expected


def test_in_a_saga_the_saga_undoes() -> None:
    graph = compiled(
        {"name": "s", "saga": [{**STEP, "compensate": {"name": "u", "config": {"run": "true"}}}]}
    )
    assert graph.nodes["s/x"].error.type is OnError.TERMINATE


def test_an_error_behaviour_in_full() -> None:
    written = {
        "type": "retry", "interval": "2s", "max_retries": 0, "backoff": 2, "max_interval": "1m", "jitter": 0.5,
        "on_lost": "fail", "max_losses": 1,
    }  # fmt: skip
    assert node({**STEP, "name": "s", "error_behavior": written}).error == n.ErrorBehavior(
        type=OnError.RETRY,
        interval=timedelta(seconds=2),
        max_retries=0,
        backoff=2.0,
        max_interval=timedelta(minutes=1),
        jitter=0.5,
        on_lost=n.OnLost.FAIL,
        max_losses=1,
    )


@pytest.mark.parametrize(
    "step",
    [
        {"parallel": [STEP], "timeout": "1m"},
        {"wait_for": {"event": "e", "timeout": "1m"}},
        {"wait_for": {"event": "e"}, "timeout": "1m"},
        {"activity": {"name": "e", "timeout": "1m"}},
        {"type": "workflow", "config": {"workflow": "c", "timeout": "1m"}},
    ],
)
def test_timeouts_of_what_is_no_task_are_the_nodes(step: dict[str, Any]) -> None:
    assert node(step).timeout == "1m"


def test_a_workflow_in_full() -> None:
    graph = compiled(
        {**STEP, "outputs": ["o"]},
        name="A name",
        version=3,
        description="d",
        timeout="1h",
        inputs={"a": "string", "b": {"type": "number?", "default": None}},
        outputs={"o": "any"},
    )
    assert (graph.workflow.id, graph.workflow.version, graph.name, graph.description) == (
        "a",
        3,
        "A name",
        "d",
    )
    assert graph.timeout == timedelta(hours=1)
    assert graph.inputs == {
        "a": Field(name="a", type="string"),
        "b": Field(name="b", type="number?", default=None, has_default=True),
    }
    assert graph.outputs == {"o": Field(name="o", type="any")}


def test_a_stored_definition_compiles_to_the_same_graph() -> None:
    graph = compiled(
        {"parallel": [STEP, {"for_each": {"items": "((v))", "steps": [{**STEP, "name": "y"}]}}], "name": "p"},
        {
            "name": "w",
            "config": {"run": "echo ((v))", "env": {"N": 5, "L": [1.0, 2**70]}},
            "when": {"field": "v", "equals": None},
        },
    )
    again = graph_from_source(graph.source)
    assert again == graph
    assert again.workflow.digest == graph.workflow.digest


def test_what_says_the_same_has_the_same_digest() -> None:
    one = read_workflow(
        {"id": "a", "version": 1, "steps": [{"name": "x", "config": {"run": "a", "env": {"A": 1}}}]}
    )
    two = read_workflow(
        {"version": 1, "steps": [{"config": {"env": {"A": 1}, "run": "a"}, "name": "x"}], "id": "a"}
    )
    three = read_workflow({"id": "a", "version": 1, "steps": [{"name": "x", "config": {"run": "b"}}]})
    assert one.graph is not None
    assert two.graph is not None
    assert three.graph is not None
    assert one.graph.workflow == two.graph.workflow != three.graph.workflow
