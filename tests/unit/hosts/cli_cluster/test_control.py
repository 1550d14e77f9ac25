import json
from typing import Any

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster
from wfe.hosts.cli.cluster.control import resuming
from wfe.hosts.cli.cluster.phases import phase
from wfe.kube.resource import LEASES
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS
from wfe.providers.customresource.names import ROOT

SPEC = {"workflowRef": {"name": "w"}}


@pytest.fixture
def runs(cluster: Cluster) -> Cluster:
    """A cluster with an instance `one` that runs, and its child."""
    made = cluster.create(INSTANCES, "one", SPEC)
    cluster.status("one", phase="Running", active=True)
    uid = made["metadata"]["uid"]
    cluster.create(INSTANCES, "one-child", {**SPEC, "parent": {"name": "one", "id": "c"}}, labels={ROOT: uid})
    cluster.status("one-child", phase="Running", active=True)
    return cluster


def test_suspend_wants_it_suspended(runs: Cluster) -> None:
    said = runs.wfe("suspend", "one").stdout

    assert said == "one: told to suspend; `wfe resume one --cluster` goes on\n"
    assert runs.get(INSTANCES, "one")["spec"]["desiredState"] == "Suspended"


def test_cancel_wants_it_terminated(runs: Cluster) -> None:
    assert runs.wfe("cancel", "one", "--no-wait").stdout == "one: told to stop\n"
    assert runs.get(INSTANCES, "one")["spec"]["desiredState"] == "Terminated"


def test_what_a_user_suspended_goes_on(runs: Cluster) -> None:
    runs.wfe("suspend", "one")

    assert runs.wfe("resume", "one").stdout == "one: told to go on\n"
    assert runs.get(INSTANCES, "one")["spec"]["desiredState"] == "Running"


def test_what_an_error_suspended_in_a_child_goes_on_too(runs: Cluster) -> None:
    runs.status("one-child", phase="Suspended")

    assert runs.wfe("resume", "one").stdout == "one-child: told to go on\n"
    assert runs.get(INSTANCES, "one-child")["spec"]["resumes"] == 1


def test_what_nothing_holds_is_left_alone(runs: Cluster) -> None:
    before = runs.get(INSTANCES, "one")

    assert runs.wfe("resume", "one").stdout == "one: nothing holds it\n"
    assert runs.get(INSTANCES, "one") == before


def test_a_resume_that_meets_a_write_of_the_operator_looks_again(runs: Cluster) -> None:
    runs.status("one", phase="Suspended")
    runs.order(runs.server.faults.answer, 409, verb="patch", resource="workflowinstances")

    runs.wfe("resume", "one")

    assert runs.get(INSTANCES, "one")["spec"]["resumes"] == 1


@pytest.mark.parametrize(
    ("spec", "status", "change"),
    [
        pytest.param({}, {"phase": "Running"}, {}, id="runs"),
        pytest.param({"desiredState": "Suspended"}, {}, {"desiredState": "Running"}, id="never-began"),
        pytest.param(
            {"desiredState": "Suspended", "resumes": 2},
            {"phase": "Suspended"},
            {"desiredState": "Running", "resumes": 3},
            id="by-a-user-and-perhaps-an-error",
        ),
        pytest.param({"resumes": 2}, {"phase": "Suspended"}, {"resumes": 3}, id="by-an-error"),
    ],
)
def test_what_holds_an_instance_is_taken_away(
    spec: dict[str, Any], status: dict[str, Any], change: dict[str, Any]
) -> None:
    assert resuming(phase({"metadata": {"name": "x"}, "spec": spec, "status": status})) == change


@pytest.mark.parametrize("verb", ["suspend", "resume", "cancel"])
def test_what_has_ended_cannot_be_told_anything(runs: Cluster, verb: str) -> None:
    runs.status("one", phase="Complete")

    assert "has ended already: Complete" in runs.wfe(verb, "one", code=2).stderr


def test_a_retry_is_a_new_instance_with_the_same_inputs(runs: Cluster) -> None:
    spec = {**SPEC, "inputs": {"a": 1}, "ttlAfterFinished": "1d", "desiredState": "Running", "resumes": 3}
    uid = runs.create(INSTANCES, "failed", spec)["metadata"]["uid"]
    runs.status("failed", phase="Failed")

    said = runs.wfe("retry", "failed", "--name", "again").stdout

    assert said == "again: does the rest of failed; `wfe watch again` follows it\n"
    assert runs.get(INSTANCES, "again")["spec"] == {
        **SPEC,
        "inputs": {"a": 1},
        "ttlAfterFinished": "1d",
        "retryOf": {"name": "failed", "uid": uid},
    }


@pytest.mark.parametrize("status", ["Running", "Complete"])
def test_only_what_failed_is_retried(runs: Cluster, status: str) -> None:
    runs.status("one", phase=status)

    assert f"instance `one` is {status}" in runs.wfe("retry", "one", code=2).stderr


def test_an_event_keeps_what_it_was_given(cluster: Cluster) -> None:
    said = cluster.wfe("publish", "paid", "order-1", '{"sum": 1.0, "by": null}').stdout

    (event,) = cluster.all(WORKFLOW_EVENTS)
    assert said == f"published paid order-1 as {event['metadata']['name']}\n"
    assert event["metadata"]["name"].startswith("paid-")
    spec = event["spec"]
    assert (spec["event"], spec["key"], spec["payloadJson"]) == ("paid", "order-1", '{"sum":1.0,"by":null}')


def test_an_event_with_a_name_is_published_once(cluster: Cluster) -> None:
    cluster.wfe("publish", "paid", "k", "1", "--name", "first", "--expires-after", "2h")

    again = cluster.wfe("publish", "paid", "k", "1", "--name", "first").stdout
    other = cluster.wfe("publish", "paid", "k", "2", "--name", "first", code=2).stderr

    assert again == "was published already: paid k as first\n"
    assert "another event named `first`" in other
    assert cluster.all(WORKFLOW_EVENTS)[0]["spec"]["expiresAfter"] == "2h"


ASKS = """
workflow:
  id: asks
  version: 1
  steps:
    - name: approve
      activity: {name: approval, params: {amount: 3}}
"""


def test_an_activity_is_fetched_once_and_its_report_says_which_it_was(cluster: Cluster) -> None:
    with cluster.working() as worker:
        worker.start(cluster.write(ASKS), "a1")
        found = json.loads(cluster.wfe("activity", "fetch", "approval", "--wait", "20").stdout)
        assert (found["step"], found["params"]) == ("approve", {"amount": 3})
        assert cluster.wfe("activity", "fetch", "approval", code=1).stderr.startswith("no activity")
        cluster.wfe("activity", "complete", found["token"], '{"ok": true}')

    (report,) = cluster.all(WORKFLOW_EVENTS)
    spec = report["spec"]
    assert spec["activity"] == {key: found[name] for key, name in FIELDS.items()}
    assert (spec["outcome"], spec["outputsJson"]) == ("Complete", '{"ok":true}')
    assert len(cluster.all(LEASES)) > 0


FIELDS = {"instance": "instance", "path": "step", "attempt": "attempt", "token": "token"}


def test_a_report_without_a_claim_is_refused(cluster: Cluster) -> None:
    assert "fetch the activity again" in cluster.wfe("activity", "fail", "0" * 32, "no", code=2).stderr
    assert not cluster.all(WORKFLOW_EVENTS)
