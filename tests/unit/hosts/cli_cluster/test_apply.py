import json

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster
from wfe.hosts.cli.cluster.changes import changes
from wfe.providers.customresource import WORKFLOWS

HELLO = """\
workflow:
  id: hello
  version: 1
  inputs: {who: string}
  steps:
    - name: greet
      config: {run: 'echo "hello $WHO"'}
"""
TWO = """\
workflows:
  - {id: outer, version: 1, steps: [{name: call, type: workflow, config: {workflow: inner}}]}
  - {id: inner, version: 1, steps: [{name: one, config: {run: "true"}}]}
"""


def test_a_workflow_is_created_once_and_what_changes_is_said(cluster: Cluster) -> None:
    file = cluster.write(HELLO)

    assert cluster.wfe("apply", file).stdout == "workflow/hello created\n"
    assert cluster.wfe("apply", file).stdout == "workflow/hello unchanged\n"
    cluster.write(HELLO.replace("hello $WHO", "hi $WHO").replace("{who: string}", "{who: string, b: bool}"))
    assert cluster.wfe("apply", file).stdout == "workflow/hello changed: step greet, inputs\n"
    assert cluster.get(WORKFLOWS, "hello")["spec"]["steps"][0]["config"]["run"] == 'echo "hi $WHO"'


def test_workflows_that_others_start_are_there_before_them(cluster: Cluster) -> None:
    said = cluster.wfe("apply", cluster.write(TWO)).stdout

    assert said == "workflow/inner created\nworkflow/outer created\n"


def test_what_was_done_is_told_as_json(cluster: Cluster) -> None:
    assert cluster.json("apply", cluster.write(HELLO)) == [
        {"kind": "Workflow", "name": "hello", "result": "created", "differences": []}
    ]


def test_the_names_of_variables_come_with_the_workflow(cluster: Cluster) -> None:
    file = cluster.write(HELLO.replace("$WHO", "((who_else))"))

    cluster.wfe("apply", file, "--var", "who_else")

    assert cluster.get(WORKFLOWS, "hello")["metadata"]["annotations"] == {
        "wfe.sunbeam.pt/variables": "who_else"
    }


def test_what_is_converted_is_what_would_be_applied(cluster: Cluster) -> None:
    file = cluster.write(HELLO.replace("$WHO", "((who_else))"))
    cluster.wfe("apply", file, "--var", "who_else")
    applied = cluster.get(WORKFLOWS, "hello")

    (converted,) = json.loads(cluster.wfe("convert", file, "--var", "who_else=x", "-o", "json").stdout)[
        "items"
    ]

    assert converted["spec"] == applied["spec"]
    assert converted["metadata"]["annotations"] == applied["metadata"]["annotations"]


def test_nothing_is_applied_if_one_of_the_files_has_errors(cluster: Cluster) -> None:
    good, bad = cluster.write(HELLO), cluster.write(HELLO.replace("steps", "stepps"), "bad.yaml")

    said = cluster.wfe("apply", good, bad, code=2).stderr

    assert f"{bad}:5:3: " in said
    assert "did you mean `steps`" in said
    assert not cluster.all(WORKFLOWS)


@pytest.mark.parametrize(
    ("refusal", "place"),
    [
        pytest.param("spec.steps[0].config.run: no such program", "7:21: no such program", id="webhook"),
        pytest.param(
            'Workflow.wfe.sunbeam.pt "hello" is invalid: [spec.id: Too long, spec.inputs.who: Bad]',
            "2:7: Too long",
            id="schema",
        ),
        pytest.param("spec.steps[0].nowhere[3].x: wrong", "6:7: wrong", id="the-nearest-place"),
        pytest.param("not today", ": not today", id="no-place"),
    ],
)
def test_what_the_cluster_refuses_has_the_place_in_the_file(
    cluster: Cluster, refusal: str, place: str
) -> None:
    cluster.server.objects.validators[WORKFLOWS] = lambda *_: (
        refusal
        if "is invalid" in refusal
        else f'admission webhook "validate.wfe.sunbeam.pt" denied the request: {refusal}'
    )
    file = cluster.write(HELLO)

    said = cluster.wfe("apply", file, code=2).stderr

    assert place in said
    assert said.startswith(file)


def test_what_the_cluster_refuses_of_the_second_workflow_is_placed_there(cluster: Cluster) -> None:
    cluster.server.objects.validators[WORKFLOWS] = lambda item, _: (
        "denied the request: spec.steps[0]: no" if item["spec"]["id"] == "inner" else None
    )

    said = cluster.wfe("apply", cluster.write(TWO), code=2).stderr

    assert ":3:37: no" in said


def test_fields_of_somebody_else_are_not_taken_over_silently(cluster: Cluster) -> None:
    cluster.order(cluster.server.faults.answer, 409, resource="workflows", verb="patch")

    said = cluster.wfe("apply", cluster.write(HELLO), code=2).stderr

    assert "--force takes it over" in said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param({"steps": [{"name": "a"}]}, {"steps": [{"name": "a"}]}, [], id="nothing"),
        pytest.param(
            {"steps": [{"name": "a"}, {"name": "b"}]},
            {"steps": [{"name": "b", "x": 1}, {"name": "c"}]},
            ["step b", "step c added", "step a removed"],
            id="steps",
        ),
        pytest.param(
            {"steps": [{"name": "a"}, {"name": "b"}]},
            {"steps": [{"name": "b"}, {"name": "a"}]},
            ["the order of the steps"],
            id="order",
        ),
        pytest.param({"steps": []}, {"steps": [], "timeout": "1m"}, ["timeout"], id="a-new-key"),
        pytest.param({"a": 1, "steps": []}, {"steps": []}, ["a"], id="a-key-that-is-gone"),
        pytest.param(
            {"steps": [{"name": str(n)} for n in range(9)]},
            {"steps": []},
            [*(f"step {n} removed" for n in range(6)), "3 more"],
            id="many",
        ),
        pytest.param({"steps": "odd"}, {"steps": [{"if": {}}]}, ["step 1 added"], id="a-hand-was-here"),
    ],
)
def test_changes_are_said_by_the_names_of_steps(
    before: dict[str, object], after: dict[str, object], said: list[str]
) -> None:
    assert list(changes(before, after)) == said
