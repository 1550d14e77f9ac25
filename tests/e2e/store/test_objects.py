"""The API objects on a real API server: what it refuses, what it prints, how it explains them."""

import json
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, instance, workflow

pytestmark = pytest.mark.e2e
API = "wfe.sunbeam.pt/v1alpha1"


def event(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API, "kind": "WorkflowEvent", "metadata": {"name": name}, "spec": spec}


def refused(cluster: Cluster, namespace: str, kind: str, name: str, **spec: Any) -> str:
    """Patch a spec, which has to be refused, and return the words."""
    patch = json.dumps({"spec": spec})
    done = cluster.run("kubectl", "patch", kind, name, "-n", namespace, "--type=merge", "-p", patch)
    assert done.returncode != 0, f"{spec} was taken"
    return done.stderr


def test_kubectl_explains_the_fields(cluster: Cluster) -> None:
    assert "Which workflow to run" in cluster.kubectl("explain", "wfi.spec.workflowRef")
    assert "Add 1 to resume" in cluster.kubectl("explain", "wfi.spec.resumes")
    assert "any JSON, at most 64 KiB" in cluster.kubectl("explain", "wfev.spec.payload")
    assert "The steps, one after another" in cluster.kubectl("explain", "wfd.spec.steps")


def test_the_columns_say_what_a_person_asks_first(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        namespace, workflow("w", {"name": "a"}), instance("i", "w"), event("e", event="paid", key="1")
    )
    heads = [
        cluster.kubectl("get", kind, "-n", namespace).splitlines()[0].split()
        for kind in ("wfd", "wfi", "wfev")
    ]
    assert heads == [
        ["NAME", "VERSION", "STEPS", "ACCEPTED", "AGE"],
        ["NAME", "WORKFLOW", "PHASE", "PROGRESS", "STEP", "REASON", "DURATION", "AGE"],
        ["NAME", "EVENT", "KEY", "AGE"],
    ]
    together = cluster.kubectl("get", "wfe", "-n", namespace, "-o", "name").split()
    assert together == [
        "workflowevent.wfe.sunbeam.pt/e",
        "workflowinstance.wfe.sunbeam.pt/i",
        "workflow.wfe.sunbeam.pt/w",
    ]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"workflowRef": {"name": "other"}}, "workflowRef cannot be changed; make another instance"),
        ({"workflowRef": {"version": 2}}, "workflowRef cannot be changed"),
        ({"inputs": None}, "inputs cannot be changed"),
        ({"inputs": {"n": 2}}, "inputs cannot be changed"),
        ({"variables": {"a": 1}}, "variables cannot be changed"),
        ({"retryOf": {"name": "x"}}, "retryOf cannot be changed"),
        ({"reference": "other"}, "reference cannot be changed"),
        ({"parent": {"id": "x", "path": "p", "attempt": 1}}, "parent cannot be changed"),
        ({"resumes": 1}, "resumes may only grow"),
        ({"desiredState": "Paused"}, "supported values"),
        ({"ttlAfterFinished": "soon"}, "should match"),
    ],
)
def test_an_instance_stays_what_it_is(
    cluster: Cluster, namespace: str, spec: dict[str, Any], said: str
) -> None:
    cluster.apply(namespace, instance("i", "w", inputs={"n": 1}, reference="r", resumes=2))
    assert said in refused(cluster, namespace, "wfi", "i", **spec)


def test_what_may_change_of_an_instance_can(cluster: Cluster, namespace: str) -> None:
    cluster.apply(namespace, instance("i", "w"))
    for spec in ({"desiredState": "Suspended"}, {"desiredState": "Running"}, {"resumes": 1}):
        cluster.kubectl(
            "patch", "wfi", "i", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": spec})
        )
    patch = json.dumps({"spec": {"desiredState": "Terminated", "ttlAfterFinished": "1h30m"}})
    cluster.kubectl("patch", "wfi", "i", "-n", namespace, "--type=merge", "-p", patch)
    assert "does not go on" in refused(cluster, namespace, "wfi", "i", desiredState="Running")


def test_an_event_cannot_be_changed_and_is_one_thing(cluster: Cluster, namespace: str) -> None:
    cluster.apply(namespace, event("e", event="paid", key="1", payloadJson='{"a":1}'))
    assert "key cannot be changed" in refused(cluster, namespace, "wfev", "e", key="2")
    assert "payloadJson cannot be changed" in refused(cluster, namespace, "wfev", "e", payloadJson="2")
    report = {"instance": "i", "path": "p", "attempt": 1, "token": "t"}
    assert "either event or activity" in refused(cluster, namespace, "wfev", "e", activity=report)
    body = json.dumps(event("none", key="1"))
    done = cluster.run("kubectl", "create", "-n", namespace, "-f", "-", given=body)
    assert "give either event or activity" in done.stderr


def test_any_json_is_a_payload(cluster: Cluster, namespace: str) -> None:
    for number, payload in enumerate([1, "text", [1, None, {}], {"a": {"b": [True]}}, False]):
        cluster.apply(namespace, event(f"e{number}", event="e", payload=payload))
        assert cluster.get(namespace, "wfev", f"e{number}")["spec"]["payload"] == payload


def test_a_workflow_keeps_what_the_schema_does_not_know_below_its_first_level(
    cluster: Cluster, namespace: str
) -> None:
    steps = [{"name": "a", "cnofig": {"run": "true", "deep": {"er": [None, 1.5]}}}]
    cluster.apply(namespace, workflow("w", *steps, inputs={"n": "integer"}))
    found = cluster.get(namespace, "wfd", "w")["spec"]
    assert found["steps"][0]["cnofig"]["deep"]["er"] == [None, 1.5]
    body = json.dumps(workflow("x", {"name": "a"}, stesp=[]))
    done = cluster.run("kubectl", "create", "-n", namespace, "-f", "-", given=body)
    assert 'unknown field "spec.stesp"' in done.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metadata": {"name": "a.b"}}, "lower-case letters, digits and hyphens"),
        ({"spec": {"id": "other", "steps": [{"name": "a"}]}}, "must be the same"),
        ({"spec": {"version": 1}}, "spec.steps: Required value"),
        ({"spec": {"steps": []}}, "at least 1 items"),
    ],
)
def test_a_workflow_has_a_name_and_steps(
    cluster: Cluster, namespace: str, changes: dict[str, Any], said: str
) -> None:
    body = json.dumps({**workflow("w", {"name": "a"}), **changes})
    done = cluster.run("kubectl", "create", "-n", namespace, "-f", "-", given=body)
    assert said in done.stderr


def test_the_definitions_are_served_under_their_limit(cluster: Cluster) -> None:
    for plural in ("workflows", "workflowinstances", "workflowevents"):
        text = cluster.kubectl("get", "crd", f"{plural}.wfe.sunbeam.pt", "-o", "json")
        stored = json.loads(text)
        conditions = {one["type"]: one["status"] for one in stored["status"]["conditions"]}
        assert (conditions["Established"], conditions["NamesAccepted"]) == ("True", "True")
        assert "NonStructuralSchema" not in conditions
        assert len(json.dumps(stored)) < 100_000
