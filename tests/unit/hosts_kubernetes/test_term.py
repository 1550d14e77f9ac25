"""What the operator does about objects, over a fake API server."""

from typing import Any

import pytest

from tests.unit.hosts_kubernetes.world import NAMESPACE, a_cluster, a_led_cluster
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS, WORKFLOWS


async def test_an_instance_runs_and_is_settled_once_its_ground_is_cleared() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "a", "b")
        await cluster.start("i", "w")
        status = await cluster.settled("i")
        assert (status["phase"], status["progress"]) == ("Complete", "2/2")
        assert cluster.footing.cleared == [f"{NAMESPACE}/i"]


async def test_a_finished_instance_that_its_controller_left_active_is_settled_by_the_next() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "a")
        await cluster.start("i", "w")
        async with cluster.leading():
            await cluster.settled("i")
        await cluster.client.patch(
            INSTANCES, "i", NAMESPACE, {"status": {"active": True}}, subresource="status"
        )
        async with cluster.leading():
            await cluster.settled("i")
        assert cluster.footing.cleared == [f"{NAMESPACE}/i"] * 2


async def test_what_runs_is_found_again_by_the_next_controller() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "slow")
        instance = await cluster.start("i", "w")
        async with cluster.leading():
            await cluster.until("i", lambda status: status.get("step") == "slow")
        async with cluster.leading():
            cluster.footing.quick.ends(instance, "slow")
            assert (await cluster.settled("i"))["phase"] == "Complete"
        assert cluster.footing.quick.starts["slow"] == 1


async def test_an_instance_without_a_workflow_begins_once_there_is_one() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("work", "a")
        await cluster.start("i", "wrok")
        status = await cluster.reason("i", "WorkflowNotFound")
        assert "did you mean `work`?" in status["message"]
        assert [(one["type"], one["status"]) for one in status["conditions"]] == [("Accepted", "False")]
        await cluster.define("wrok", "a")
        await cluster.settled("i")


@pytest.mark.parametrize(
    ("workflow", "spec", "reason", "said"),
    [
        pytest.param({"stepz": []}, {}, "WorkflowInvalid", "spec.stepz", id="a-faulty-workflow"),
        pytest.param(
            {"inputs": {"who": "string"}},
            {},
            "InputsInvalid",
            "input `who` (string) is missing; give it as `who: …`",
            id="an-input-is-missing",
        ),
        pytest.param(
            {}, {"inputs": [1]}, "SpecInvalid", "spec.inputs is not a mapping", id="inputs-are-a-list"
        ),
        pytest.param(
            {}, {"retryOf": {"name": "none"}}, "RetryInvalid", "no instance `none`", id="nothing-to-retry"
        ),
        pytest.param(
            {},
            {"workflowRef": {"name": "w", "version": 7}},
            "WorkflowNotFound",
            "version 7 was never applied",
            id="an-unknown-version",
        ),
        pytest.param(
            {"services": {"a": {"image": "x", "ports": [1]}, "b": {"image": "y", "ports": [1]}}},
            {},
            "WorkflowInvalid",
            "port",
            id="services-on-one-port",
        ),
        pytest.param(
            {}, {"desiredState": "Suspended"}, "Suspended", "spec.desiredState is Running", id="held"
        ),
        pytest.param(
            {},
            {"parent": {"name": "x", "uid": "y", "id": "z", "path": "p", "attempt": 1}},
            "NotAChild",
            "set by the operator alone",
            id="a-forged-parent",
        ),
    ],
)
async def test_what_cannot_begin_stays_pending_and_says_why(
    workflow: dict[str, Any], spec: dict[str, Any], reason: str, said: str
) -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "a", **workflow)
        await cluster.start("i", "w", **spec)
        status = await cluster.reason("i", reason)
        assert status["phase"] == "Pending"
        assert said in status["message"]
        await cluster.define("fine", "a")
        await cluster.start("other", "fine")
        await cluster.settled("other")


async def test_a_workflow_is_told_what_came_of_it() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("good", "a")
        await cluster.define("faulty", "a", stepz=1)
        await cluster.start("i", "good")
        await cluster.start("j", "faulty")
        await cluster.settled("i")
        await cluster.reason("j", "WorkflowInvalid")
        good, faulty = [(await cluster.find(WORKFLOWS, name) or {})["status"] for name in ("good", "faulty")]
        assert (good["version"], good["steps"], good["conditions"][0]["status"]) == (1, 1, "True")
        assert (faulty["conditions"][0]["reason"], faulty["conditions"][0]["status"]) == ("Invalid", "False")
        assert faulty["problems"][0].startswith("spec.stepz")


async def test_suspend_resume_and_terminate_by_the_spec() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "slow", "b")
        await cluster.start("i", "w")
        await cluster.until("i", lambda status: status.get("step") == "slow")
        await cluster.change("i", desiredState="Suspended")
        await cluster.phase("i", "Suspended")
        await cluster.change("i", desiredState="Running")
        await cluster.phase("i", "Running")
        await cluster.change("i", desiredState="Terminated")
        assert (await cluster.settled("i"))["phase"] == "Terminated"


async def test_resumes_is_acted_on_once_and_remembered() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "bad", error_behavior={"type": "suspend"})
        await cluster.start("i", "w")
        async with cluster.leading():
            await cluster.phase("i", "Suspended")
            await cluster.change("i", resumes=2)
            await cluster.until("i", lambda status: status.get("resumes") == 2)
            revision = (await cluster.phase("i", "Suspended"))["engine"]["revision"]
        async with cluster.leading():
            await cluster.define("other", "a")
            await cluster.start("j", "other")
            await cluster.settled("j")
            assert (await cluster.status("i"))["engine"]["revision"] == revision


async def test_what_is_terminated_before_it_began_is_finished_without_steps() -> None:
    async with a_led_cluster() as cluster:
        await cluster.start("i", "nobody", desiredState="Terminated")
        status = await cluster.settled("i")
        assert status["phase"] == "Terminated"
        assert {one["type"]: one["status"] for one in status["conditions"]} == {
            "Complete": "False",
            "Failed": "False",
            "Finished": "True",
        }


async def test_a_deleted_instance_is_let_go_and_its_ground_forgotten() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "slow")
        instance = await cluster.start("i", "w")
        await cluster.until("i", lambda status: status.get("step") == "slow")
        await cluster.client.delete(INSTANCES, "i", NAMESPACE)
        again = await cluster.start("i", "w")
        await cluster.until("i", lambda status: status.get("step") == "slow")
        assert cluster.footing.forgotten == [instance]
        cluster.footing.quick.ends(again, "slow")
        await cluster.settled("i")


async def test_children_are_driven_by_their_parent_and_settled_once_it_has_read_them() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("child", "a")
        await cluster.define(
            "parent", steps=[{"name": "call", "type": "workflow", "config": {"workflow": "child"}}]
        )
        await cluster.start("p", "parent")
        assert (await cluster.settled("p"))["phase"] == "Complete"
        (child,) = [
            one["metadata"]["name"]
            async for one in cluster.client.list(INSTANCES, NAMESPACE)
            if one["spec"].get("parent")
        ]
        assert (await cluster.settled(child))["phase"] == "Complete"


async def test_workflows_that_start_each_other_in_a_circle_do_not_begin() -> None:
    async with a_led_cluster() as cluster:
        for name, other in (("w", "v"), ("v", "w")):
            step = {"name": "call", "type": "workflow", "config": {"workflow": other}}
            await cluster.define(name, steps=[step])
        await cluster.start("i", "w")
        assert "in a circle: `w` → `v` → `w`" in (await cluster.reason("i", "WorkflowInvalid"))["message"]


async def test_a_retry_runs_what_is_left() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "a", "bad")
        await cluster.start("i", "w")
        assert (await cluster.settled("i"))["phase"] == "Failed"
        await cluster.start("j", "w", retryOf={"name": "i"})
        status = await cluster.settled("j")
        assert status["phase"] == "Failed"
        assert [line.split()[1] for line in status["recent"]] == ["a", "bad"]


async def test_an_instance_that_cannot_be_read_is_told_of_and_stops_no_other() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "slow")
        await cluster.start("broken", "w")
        async with cluster.leading():
            await cluster.until("broken", lambda status: status.get("step") == "slow")
        garbage = {"engine": {"head": "nonsense"}}
        await cluster.client.patch(INSTANCES, "broken", NAMESPACE, {"status": garbage}, subresource="status")
        async with cluster.leading():
            await cluster.define("fine", "a")
            await cluster.start("fine", "fine")
            await cluster.settled("fine")
            while ("broken", "CannotGoOn") not in await cluster.events():
                pass


async def test_an_event_reaches_who_waits_for_it() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", steps=[{"name": "w", "wait_for": {"event": "go", "key": "k"}}])
        await cluster.start("i", "w")
        await cluster.reason("i", "Waiting")
        body = {
            "apiVersion": WORKFLOW_EVENTS.api_version,
            "kind": WORKFLOW_EVENTS.kind,
            "metadata": {"name": "e"},
            "spec": {"event": "go", "key": "k", "payload": {}},
        }
        await cluster.client.create(WORKFLOW_EVENTS, body, NAMESPACE)
        assert (await cluster.settled("i"))["phase"] == "Complete"


async def test_an_instance_is_deleted_after_its_time() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "a")
        await cluster.start("i", "w", ttlAfterFinished="0s")
        while await cluster.find(INSTANCES, "i"):
            pass


async def test_what_ended_before_this_term_is_deleted_after_its_time_too() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "a", retention={"complete": "0s"})
        await cluster.start("i", "w", ttlAfterFinished="1h")
        async with cluster.leading():
            await cluster.settled("i")
        await cluster.client.patch(INSTANCES, "i", NAMESPACE, {"spec": {"ttlAfterFinished": None}})
        async with cluster.leading():
            while await cluster.find(INSTANCES, "i"):
                pass


async def test_what_happens_is_counted_and_told() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "bad")
        await cluster.start("i", "w")
        await cluster.settled("i")
        while not {("i", "Started"), ("i", "Failed")} <= set(await cluster.events()):
            pass
        text = cluster.metrics.text().decode()
        assert 'wfe_transitions_total{kind="instance",status="Failed"} 1.0' in text
        assert 'wfe_reconcile_seconds_count{queue="instances",result="done"}' in text
