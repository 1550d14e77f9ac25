"""The life of instances under the operator: from what cannot begin to what is deleted after its time."""

import json
from typing import Any

import pytest

from tests.e2e.cluster import shell
from tests.e2e.operator.site import Site

pytestmark = pytest.mark.e2e


def assert_phase(status: dict[str, Any], phase: str) -> None:
    """What came of an instance is told with the reason."""
    assert status["phase"] == phase, (status.get("message"), status.get("recent"))


def test_a_workflow_runs_to_its_end_and_gives_its_pod_back(site: Site) -> None:
    site.define(
        "hello", shell("greet", "echo greeting=hi >> $WFE_OUTPUT"), shell("again", 'echo "$GREETING"')
    )
    site.start("hello-1", "hello")
    status = site.settled("hello-1")
    assert (status["phase"], status["progress"]) == ("Complete", "2/2")
    site.until(lambda: not site.pods(), "its pod is still there")
    site.until(lambda: {"Started", "Complete"} <= site.events("hello-1"), "no events")


def test_a_faulty_workflow_says_why_and_its_instance_begins_once_it_is_mended(site: Site) -> None:
    site.define("faulty", {"name": "a", "config": {"rnu": "true"}})
    site.start("faulty-1", "faulty")
    status = site.until_reason("faulty-1", "WorkflowInvalid")
    assert status["phase"] == "Pending"
    assert "spec.steps[0].config.rnu" in status["message"]
    accepted = site.cluster.get(site.namespace, "wfd", "faulty")["status"]["conditions"][0]
    assert (accepted["type"], accepted["status"], accepted["reason"]) == ("Accepted", "False", "Invalid")
    assert "spec.steps[0].config.rnu" in accepted["message"]
    site.define("faulty", {"name": "a", "config": {"run": "true"}})
    assert_phase(site.ended("faulty-1"), "Complete")


def test_an_instance_of_a_workflow_that_comes_later_begins_then(site: Site) -> None:
    site.start("late-1", "late")
    assert "there is no Workflow `late`" in site.until_reason("late-1", "WorkflowNotFound")["message"]
    site.define("late", shell("a", "true"))
    assert_phase(site.ended("late-1"), "Complete")


def test_missing_inputs_are_told_and_nothing_is_started(site: Site) -> None:
    site.define("asking", shell("a", 'echo "((who))"'), inputs={"who": "string"})
    site.start("asking-1", "asking")
    assert "who" in site.until_reason("asking-1", "InputsInvalid")["message"]
    site.start("asking-2", "asking", inputs={"who": "me"})
    assert_phase(site.ended("asking-2"), "Complete")


def test_a_failure_is_failed_and_kubectl_can_wait_for_it(site: Site) -> None:
    site.define("failing", shell("a", "exit 3"))
    site.start("failing-1", "failing")
    site.cluster.kubectl(
        "wait", "-n", site.namespace, "--for=condition=Failed", "wfi/failing-1", "--timeout=240s"
    )
    assert site.status("failing-1")["reason"] == "ExitCode"


def test_suspend_and_resume_by_the_spec(site: Site) -> None:
    site.define("long", {"name": "wait", "wait_for": {"event": "go", "key": "on"}}, shell("a", "true"))
    site.start("held", "long", desiredState="Suspended")
    assert site.until_reason("held", "Suspended")["phase"] == "Pending"
    site.change("held", desiredState="Running")
    site.until_phase("held", "Running")
    site.change("held", desiredState="Suspended")
    site.until_phase("held", "Suspended")
    site.change("held", desiredState="Running")
    site.publish("go", "on")
    assert_phase(site.ended("held"), "Complete")


def test_a_concurrency_group_lets_one_begin_after_the_other(site: Site) -> None:
    waits = {"name": "wait", "wait_for": {"event": "go", "key": "((me))"}}
    key = {"key": "one-((place))", "limit": 1}
    site.define("turns", waits, inputs={"me": "string", "place": "string"}, concurrency=key)
    site.start("turn-1", "turns", inputs={"me": "turn-1", "place": "here"})
    site.until_phase("turn-1", "Running")
    for name in ("turn-2", "turn-3"):
        site.start(name, "turns", inputs={"me": name, "place": "here"})
        site.until(lambda name=name: "waits for a place" in str(site.status(name).get("message")), "no word")
        assert site.status(name)["phase"] == "Pending"
    site.change("turn-2", desiredState="Terminated")
    site.until_phase("turn-2", "Terminated")
    assert site.status("turn-3")["phase"] == "Pending"
    site.change("turn-1", desiredState="Terminated")
    site.until_phase("turn-3", "Running")
    site.change("turn-3", desiredState="Terminated")
    site.until_phase("turn-3", "Terminated")

    def nothing_is_kept_of_the_group() -> bool:
        maps = site.cluster.items(site.namespace, "configmaps")
        return not any(one["metadata"]["name"].startswith("wfe-g-") for one in maps)

    # The place is given back once it stands that the instance is over, not before.
    site.until(nothing_is_kept_of_the_group, "the group is kept")


def test_a_terminated_instance_runs_its_ensure_hook(site: Site) -> None:
    step = shell("sleep", "sleep 600")
    site.define("cancelled", {**step, "ensure": shell("tidy", "echo tidied=yes >> $WFE_OUTPUT")})
    site.start("cancelled-1", "cancelled")
    site.until(lambda: site.status("cancelled-1").get("step") == "sleep", "it does not run")
    site.change("cancelled-1", desiredState="Terminated")
    status = site.ended("cancelled-1")
    assert status["phase"] == "Terminated"
    assert any("sleep/ensure Complete" in line for line in status["recent"]), status["recent"]


def test_what_is_terminated_before_it_began_never_begins(site: Site) -> None:
    site.start("never", "nobody", desiredState="Terminated")
    status = site.settled("never")
    assert status["phase"] == "Terminated"
    assert "engine" not in status


def test_resumes_runs_the_failed_step_again(site: Site) -> None:
    run = 'test -e "$WFE_WORKSPACE/seen" || { touch "$WFE_WORKSPACE/seen"; exit 1; }'
    site.define("stubborn", shell("a", run, error_behavior={"type": "suspend"}))
    site.start("stubborn-1", "stubborn")
    site.until_phase("stubborn-1", "Suspended")
    site.change("stubborn-1", resumes=1)
    status = site.ended("stubborn-1")
    assert (status["phase"], status["resumes"]) == ("Complete", 1)


def test_a_retry_does_not_repeat_what_completed(site: Site) -> None:
    first = shell("first", "echo made=$WFE_INSTANCE >> $WFE_OUTPUT")
    second = shell("second", 'test "$AGAIN" = yes || exit 1; echo from=$MADE >> $WFE_OUTPUT')
    site.define("retried", first, second, inputs={"again": "string?"}, outputs={"from": "string"})
    site.start("retried-1", "retried")
    assert_phase(site.settled("retried-1"), "Failed")
    site.start("retried-2", "retried", retryOf={"name": "retried-1"})
    status = site.settled("retried-2")
    assert status["phase"] == "Failed"
    assert status["progress"].startswith("2/")
    site.start("retried-3", "retried", retryOf={"name": "retried-1"}, inputs={"again": "yes"})
    assert "leave spec.inputs out" in site.until_reason("retried-3", "RetryInvalid")["message"]


def test_a_retry_has_the_files_on_the_volume_of_what_it_retries(site: Site) -> None:
    first = shell("first", "echo x >> runs.txt")
    second = shell(
        "second", 'echo "runs=$(grep -c x runs.txt)" >> $WFE_OUTPUT; mkdir mended || exit 0; exit 1'
    )
    volume = {"mount_path": "/workspace", "size": "16Mi"}
    site.define("kept", first, second, shared_volume=volume, outputs={"runs": "integer"})
    site.start("kept-1", "kept")
    assert_phase(site.settled("kept-1"), "Failed")
    site.start("kept-2", "kept", retryOf={"name": "kept-1"})
    site.until(lambda: site.status("kept-2").get("runner"), "it does not begin")
    site.cluster.kubectl("delete", "-n", site.namespace, "wfi", "kept-1")
    status = site.settled("kept-2")
    assert_phase(status, "Complete")
    assert status["outputs"]["runs"] == "1"


def test_a_quota_that_is_used_up_is_told_and_waited_for(site: Site) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"pods": "0"}},
    }
    site.cluster.apply(site.namespace, quota)
    site.until(
        lambda: site.cluster.get(site.namespace, "resourcequotas", "small").get("status", {}).get("hard"),
        "the quota is not counted",
    )
    site.define("patient", shell("a", "true"))
    site.start("patient-1", "patient")
    assert "exceeded quota: small" in site.until_reason("patient-1", "NotYet")["message"]
    site.until(lambda: "NotYet" in site.events("patient-1"), "no event")
    site.cluster.kubectl("delete", "-n", site.namespace, "resourcequota", "small")
    assert_phase(site.ended("patient-1"), "Complete")


def test_a_pod_that_a_rule_refuses_fails_its_step(site: Site) -> None:
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "tiny"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "4Mi"}}]},
    }
    site.cluster.apply(site.namespace, limits)
    site.define("refused", shell("a", "true"))
    site.start("refused-1", "refused")
    status = site.ended("refused-1")
    assert_phase(status, "Failed")
    assert "maximum memory usage per Container is 4Mi" in status["message"]
    site.cluster.kubectl("delete", "-n", site.namespace, "limitrange", "tiny")


def test_children_share_the_pod_and_are_settled(site: Site) -> None:
    site.define(
        "child", shell("make", "echo made > made.txt; echo x=1 >> $WFE_OUTPUT"), outputs={"x": "integer"}
    )
    site.define(
        "parent",
        {"name": "call", "type": "workflow", "config": {"workflow": "child"}},
        shell("look", 'test "$X" = 1; cat made.txt'),
    )
    site.start("parent-1", "parent")
    assert_phase(site.settled("parent-1"), "Complete")
    children = [one for one in site.cluster.items(site.namespace, "wfi") if one["spec"].get("parent")]
    assert [one["metadata"]["name"][:9] for one in children] == ["parent-1-"]
    site.until(
        lambda: site.status(children[0]["metadata"]["name"]).get("active") is False,
        "the child is not settled",
    )


def test_an_event_wakes_who_waits_for_it(site: Site) -> None:
    wait = {"name": "approval", "wait_for": {"event": "approved", "key": "k1"}}
    site.define("waiting", wait, shell("a", 'test "$BY" = me'))
    site.start("waiting-1", "waiting")
    site.until_reason("waiting-1", "Waiting")
    site.publish("approved", "k1", payload={"by": "me"})
    assert_phase(site.ended("waiting-1"), "Complete")


def test_a_pod_goes_while_its_instance_waits_and_its_lines_stay(site: Site) -> None:
    wait = {"name": "wait", "wait_for": {"event": "go", "key": "k"}}
    site.define("restful", shell("a", "echo before"), wait, shell("b", "echo after"), workspace="none")
    site.start("restful-1", "restful")
    site.until_reason("restful-1", "Waiting")
    site.until(lambda: not site.pods(), "its pod is still there")
    logs = ("logs", "restful-1", "-n", site.namespace, "--cluster")
    assert "before" in site.cluster.wfe(*logs).stdout
    site.cluster.wfe("publish", "go", "k", "{}", "-n", site.namespace, "--cluster")
    assert_phase(site.settled("restful-1"), "Complete")
    said = site.cluster.wfe(*logs).stdout
    assert [said.count(word) for word in ("before", "after")] == [1, 1], said


def test_an_isolated_step_runs_in_a_pod_of_its_own(site: Site) -> None:
    alone = shell("alone", "echo where=$HOSTNAME >> $WFE_OUTPUT", isolation="pod")
    site.define("apart", shell("a", "true"), alone, outputs={"where": "string"})
    site.start("apart-1", "apart")
    status = site.settled("apart-1")
    assert status["phase"] == "Complete"
    assert json.loads(status["outputs"]["where"]).startswith("wfe-a-")
    site.until(lambda: not site.pods(), "pods are left")


def test_an_instance_goes_after_its_time(site: Site) -> None:
    site.define("short", shell("a", "true"))
    site.start("short-1", "short", ttlAfterFinished="1s")
    site.until(lambda: not site.cluster.get(site.namespace, "wfi", "short-1"), "it is still there")


def test_a_deleted_instance_is_let_go_with_its_pod(site: Site) -> None:
    site.define("endless", shell("a", "sleep 600"))
    site.start("endless-1", "endless")
    site.until(lambda: site.status("endless-1").get("step") == "a", "it does not run")
    site.cluster.kubectl("delete", "-n", site.namespace, "wfi", "endless-1", "--wait=true", "--timeout=240s")
    site.until(lambda: not site.pods(), "its pod is still there")


def test_an_instance_that_is_made_anew_under_its_name_runs_again(site: Site) -> None:
    site.define("again", shell("a", "sleep 600"))
    site.define("fine", shell("a", "true"))
    for number, of in enumerate(("again", "again", "nothing", "fine")):
        site.start("anew", of)
        if number < 2:
            site.until(lambda: site.status("anew").get("step") == "a", "it does not run")
        if of != "fine":
            site.cluster.kubectl("delete", "-n", site.namespace, "wfi", "anew")
    assert_phase(site.ended("anew"), "Complete")


def test_hostile_objects_stop_nobody(site: Site) -> None:
    forged = {"name": "nobody", "uid": "1", "id": "2", "path": "a", "attempt": 1}
    site.define("fine", shell("a", "true"))
    site.start("forged", "fine", parent=forged)
    site.start("edited", "fine")
    site.settled("edited")
    garbage = {"status": {"active": None, "phase": "Running", "engine": {"head": "nonsense", "revision": 7}}}
    site.cluster.kubectl(
        "patch",
        "-n",
        site.namespace,
        "wfi",
        "edited",
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps(garbage),
    )
    assert "set by the operator alone" in site.until_reason("forged", "NotAChild")["message"]
    site.until(lambda: "CannotGoOn" in site.events("edited"), "nobody says that it is broken")
    site.start("fine-1", "fine")
    assert_phase(site.ended("fine-1"), "Complete")
    assert site.operator.is_ready()
