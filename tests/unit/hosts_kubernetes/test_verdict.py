"""What the loader says about the spec of a Workflow."""

from typing import Any

import pytest

from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.verdict import MOST_BYTES, MOST_LEVELS, MOST_NODES, circle, judge


def _spec(**changes: Any) -> dict[str, Any]:
    return {"id": "w", "steps": [{"name": "a", "config": {"run": "true"}}], **changes}


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_valid_spec_has_a_graph() -> None:
    verdict = judge(_spec())
    assert verdict.errors == ()
    assert verdict.graph is not None
    assert verdict.graph.workflow.id == "w"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param(
            _spec(steps=[{"name": "a", "config": {"rnu": "x"}}]), "spec.steps[0].config.rnu", id="a-typo"
        ),
        pytest.param(_spec(stepz=1), "spec.stepz", id="a-typo-of-the-workflow"),
        pytest.param({"id": "w", "steps": []}, "spec.steps", id="no-steps"),
        pytest.param(
            _spec(steps=[{"name": "a", "config": {"run": "echo ((nobody))"}}]),
            "spec.steps[0].config.run",
            id="unknown-name",
        ),
        pytest.param(
            _spec(steps=[{"name": "a", "config": {"file": "build.sh"}}]),
            "spec.steps[0].config.file: there is no file `build.sh` to run",
            id="a-file-that-is-not-there",
        ),
        pytest.param([], "spec: it is not a mapping", id="no-mapping"),
        pytest.param(None, "spec: it is not a mapping", id="nothing"),
        pytest.param(_nested(MOST_LEVELS + 1), "levels deep", id="too-deep"),
        pytest.param(_nested(5000), "levels deep", id="much-too-deep"),
        pytest.param({"a": [1] * MOST_NODES}, "values; split it", id="too-many-values"),
        pytest.param({"a": "x" * MOST_BYTES}, "bytes", id="too-many-bytes"),
    ],
)
def test_what_is_wrong_is_said_with_its_field_and_the_way_out(spec: Any, said: str) -> None:
    verdict = judge(spec)
    assert verdict.graph is None
    assert said in verdict.message


def test_many_problems_fit_into_a_condition() -> None:
    verdict = judge(_spec(steps=[{"name": f"s{n}", "config": {"rnu": "x" * 500}} for n in range(60)]))
    assert len(verdict.message) <= 8 * 1024
    assert "more" in verdict.message


def test_instances_may_bring_the_variables_that_an_annotation_names() -> None:
    spec = _spec(steps=[{"name": "a", "config": {"run": "echo ((stage)) ((region))"}}])
    assert judge(spec).graph is None
    assert judge(spec, annotations={"wfe.sunbeam.pt/variables": "stage, region"}).graph is not None


def _starting(name: str, *children: str) -> Graph:
    steps: list[dict[str, Any]] = [
        {"name": f"run-{child}", "type": "workflow", "config": {"workflow": child}} for child in children
    ]
    verdict = judge(_spec(id=name, steps=steps or [{"name": "a", "config": {"run": "true"}}]))
    assert verdict.graph is not None, verdict.errors
    return verdict.graph


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        pytest.param({"a": ["b"], "b": []}, [], id="a-line"),
        pytest.param({"a": ["b", "c"], "b": ["c"], "c": []}, [], id="a-diamond"),
        pytest.param({"a": ["b"], "b": ["a"]}, ["a", "b", "a"], id="a-circle"),
        pytest.param({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"], id="a-circle-further-down"),
        pytest.param({"a": ["nobody"]}, [], id="somebody-unknown"),
    ],
)
def test_workflows_that_start_each_other_in_a_circle_are_found(
    calls: dict[str, list[str]], found: list[str]
) -> None:
    graphs = {name: _starting(name, *children) for name, children in calls.items()}
    assert list(circle(graphs["a"], graphs)) == found
