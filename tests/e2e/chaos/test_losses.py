"""Pods, images, memory and namespaces that are lost or missing: what had to end says so, and nothing hangs."""

from pathlib import Path

import pytest

from tests.e2e.chaos.counted import until_it_writes
from tests.e2e.cluster import Cluster, instance, shell, workflow
from tests.e2e.process import Operator, only_in, running

pytestmark = pytest.mark.e2e


def uids(cluster: Cluster, namespace: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in cluster.items(namespace, "pods")}


def test_a_runner_that_is_deleted_mid_step_loses_its_workspace_and_the_instance_says_so(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    cluster.apply(namespace, workflow("long", shell("one", "echo begun; sleep 120")), instance("i", "long"))
    until_it_writes(cluster, namespace, "begun")
    cluster.kubectl("delete", "pods", "-n", namespace, "-l", "wfe.sunbeam.pt/role=runner", "--wait=false")
    status = cluster.ended(namespace, "i")
    assert (status["phase"], status["reason"]) == ("Failed", "WorkspaceLost"), status


def test_a_workflow_that_may_start_over_does_when_its_runner_is_deleted(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    step = shell("one", "echo begun; until test -e go; do sleep 0.2; done", timeout="1h")
    cluster.apply(namespace, workflow("again", step, on_workspace_lost="restart"), instance("i", "again"))
    until_it_writes(cluster, namespace, "begun")
    (lost,) = cluster.items(namespace, "pods")
    name = lost["metadata"]["name"]
    cluster.kubectl("delete", "-n", namespace, "pod", name, "--wait=false")
    cluster.until(lambda: lost["metadata"]["uid"] not in uids(cluster, namespace), what="the pod does not go")
    until_it_writes(cluster, namespace, "begun")
    (runner,) = cluster.items(namespace, "pods")
    cluster.kubectl("exec", "-n", namespace, runner["metadata"]["name"], "--", "touch", "/workspace/go")
    assert cluster.ended(namespace, "i")["phase"] == "Complete"


def test_a_step_that_takes_too_much_memory_fails_and_says_so(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    eat = "python3 -c 'x = b\"x\" * (400 << 20)' || exit $?"
    eater = shell("eat", eat, memory="64Mi", image="localhost/debian:testbed")
    cluster.apply(namespace, workflow("eats", eater), instance("i", "eats"))
    status = cluster.ended(namespace, "i")
    assert status["phase"] == "Failed"
    assert "memory" in status["message"] or "SIGKILL" in status["message"], status


def test_an_image_that_does_not_exist_fails_the_instance_and_names_it(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    step = shell("s", "true", image="localhost/there-is-no-such-image:1")
    cluster.apply(namespace, workflow("imageless", step), instance("i", "imageless"))
    status = cluster.ended(namespace, "i")
    assert status["phase"] == "Failed"
    assert "localhost/there-is-no-such-image:1" in status["message"], status


# Sixty pods at once leave nothing of a small node to others.
@pytest.mark.alone
def test_sixty_instances_at_once_all_complete(cluster: Cluster, operator: Operator, namespace: str) -> None:
    del operator
    cluster.apply(
        namespace, workflow("short", shell("one", "echo x=1 >>$WFE_OUTPUT"), shell("two", "test $X = 1"))
    )
    cluster.apply(namespace, *(instance(f"i{number}", "short") for number in range(60)))
    for number in range(60):
        assert cluster.ended(namespace, f"i{number}")["phase"] == "Complete"


def test_a_namespace_that_is_deleted_while_instances_run_goes_away(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    with cluster.namespace("doomed") as doomed:
        settings = {**only_in(doomed), "leaseNamespace": namespace}
        with running(cluster, tmp_path, settings=settings):
            isolated = shell("alone", "echo isolated; sleep 120", isolation="pod")
            shared = shell("one", "echo begun; sleep 120")
            cluster.apply(doomed, workflow("long", shared), workflow("alone", isolated))
            cluster.apply(doomed, instance("i", "long"), instance("j", "alone"))
            until_it_writes(cluster, doomed, "begun")
            until_it_writes(cluster, doomed, "isolated")
            cluster.kubectl("delete", "namespace", doomed, "--wait=false")
            cluster.until(lambda: not cluster.get("", "namespaces", doomed), what="it does not go")
