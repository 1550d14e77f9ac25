"""The fence around the operator's account, asked of a real API server as that account."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.chart.pods import pod
from tests.e2e.cluster import Cluster
from tests.unit.chart.helm import CHART, KUBERNETES, helm

pytestmark = pytest.mark.e2e
Object = dict[str, Any]


@dataclass(frozen=True)
class Fence:
    """A namespace, and the account of an operator that is fenced in it."""

    cluster: Cluster
    namespace: str

    def theirs(self, *arguments: str, given: Object | None = None) -> str:
        """Run kubectl as somebody else who may do everything; return what was said, refused or not."""
        text = json.dumps(given) if given else None
        return self.cluster.kubectl("-n", self.namespace, *arguments, given=text, check=False)

    def own(self, *arguments: str, given: Object | None = None) -> str:
        """The same as the operator."""
        account = f"system:serviceaccount:{self.namespace}:fenced-wfe-operator"
        return self.theirs("--as", account, *arguments, given=given)


@pytest.fixture(scope="module")
def fence(cluster: Cluster) -> Iterator[Fence]:
    """Put up the fence of a release, and give its account far more rights than the chart does."""
    with cluster.namespace("fence") as namespace:
        account = f"system:serviceaccount:{namespace}:fenced-wfe-operator"
        policies = helm(
            *("template", "fenced", str(CHART), "--namespace", namespace, "--kube-version", KUBERNETES),
            # Elsewhere it would refuse the pods of other tests.
            *("--show-only", "templates/fence.yaml", "--set", f"namespaces={{{namespace}}}"),
        )
        binding = ("rolebinding", "everything", "--clusterrole=cluster-admin", "--user", account)
        cluster.kubectl("-n", namespace, "create", *binding)
        cluster.apply(namespace, pod("theirs"))
        cluster.kubectl("apply", "-f", "-", given=policies)
        found = Fence(cluster, namespace)
        try:
            cluster.until(
                lambda: "writes only" in found.own("label", "pod", "theirs", "a=b", "--dry-run=server"),
                what="the API server knows the policies",
            )
            assert "created" in found.own("create", "-f", "-", given=pod("wfe-r-mine"))
            cluster.kubectl(
                *("-n", namespace, "wait", "--for=condition=Ready", "pod/theirs", "pod/wfe-r-mine"),
                "--timeout=240s",
            )
            yield found
        finally:
            cluster.kubectl("delete", "-f", "-", given=policies)


def test_it_runs_programs_in_its_own_pods(fence: Fence) -> None:
    assert fence.own("exec", "wfe-r-mine", "--", "echo", "here") == "here\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("exec", "theirs", "--", "id"), id="exec"),
        pytest.param(("attach", "theirs"), id="attach"),
        pytest.param(("attach", "wfe-r-mine"), id="attach-to-its-own"),
    ],
)
def test_it_runs_nothing_elsewhere(fence: Fence, arguments: tuple[str, ...]) -> None:
    assert "may run programs in its own pods only" in fence.own(*arguments)


def test_others_may_still_run_programs_anywhere(fence: Fence) -> None:
    assert fence.theirs("exec", "theirs", "--", "echo", "there") == "there\n"
    assert fence.theirs("exec", "wfe-r-mine", "--", "echo", "there") == "there\n"


@pytest.mark.parametrize("name", ["wfe-r-yours", "wfe-a-yours", "wfe-r-"])
def test_nobody_else_makes_pods_with_its_names(fence: Fence, name: str) -> None:
    assert "belong to the operator" in fence.theirs("create", "-f", "-", given=pod(name))


def test_others_make_pods_with_other_names(fence: Fence) -> None:
    assert "created" in fence.theirs("create", "--dry-run=server", "-f", "-", given=pod("wfe-x"))


def _configmap(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


PRIVILEGED = {"name": "a", "image": "b", "securityContext": {"privileged": True}}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        pytest.param(pod("other"), "writes only what begins with wfe-", id="a-pod-of-another-name"),
        pytest.param(_configmap("other"), "writes only what begins with wfe-", id="a-map-of-another-name"),
        pytest.param(pod("wfe-r-x", automountServiceAccountToken=True), "carry no token", id="a-token"),
        pytest.param(pod("wfe-r-x", hostNetwork=True), "nothing of their node", id="the-nodes-network"),
        pytest.param(
            pod("wfe-r-x", volumes=[{"name": "root", "hostPath": {"path": "/"}}]),
            "nothing of their node",
            id="the-nodes-files",
        ),
        pytest.param(pod("wfe-r-x", containers=[PRIVILEGED]), "not privileged", id="privileged"),
        pytest.param(pod("wfe-r-x", initContainers=[PRIVILEGED]), "not privileged", id="privileged-service"),
    ],
)
def test_it_cannot_make_what_it_has_no_use_for(fence: Fence, item: Object, said: str) -> None:
    # Pod Security is not what refuses here: a namespace without it is as safe.
    fence.theirs(
        "label", "namespace", fence.namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite"
    )
    assert said in fence.own("create", "--dry-run=server", "-f", "-", given=item)


def test_it_keeps_and_deletes_what_is_its_own(fence: Fence) -> None:
    assert "created" in fence.own("create", "-f", "-", given=_configmap("wfe-c-1"))
    assert "deleted" in fence.own("delete", "configmap", "wfe-c-1")


def test_it_deletes_nothing_of_others(fence: Fence) -> None:
    fence.theirs("create", "-f", "-", given=_configmap("settings"))
    assert "writes only what begins with wfe-" in fence.own("delete", "configmap", "settings")
    assert "writes only what begins with wfe-" in fence.own("delete", "configmap", "--all")
    assert fence.cluster.get(fence.namespace, "configmaps", "settings")


@pytest.mark.parametrize(
    ("whose", "said"),
    [
        pytest.param("theirs", "the status of its own pod alone", id="of-another"),
        pytest.param("wfe-r-mine", "patched", id="its-own"),
        pytest.param("", "the status of its own pod alone", id="of-nobody-who-is-a-pod"),
    ],
)
def test_it_writes_the_status_of_its_own_pod_alone(fence: Fence, whose: str, said: str) -> None:
    """A token of a pod's account names the pod, which is said here in its place."""
    me = "--as-user-extra=authentication.kubernetes.io/pod-name=wfe-r-mine"
    condition = '{"status": {"conditions": [{"type": "x/y", "status": "True"}]}}'
    patch = ("patch", "pod", whose or "theirs", "--subresource=status", "--dry-run=server", "-p", condition)
    assert said in fence.own(*([me] if whose else []), *patch)


@pytest.mark.parametrize("name", ["exec", "names", "pods", "status", "writes"])
def test_the_api_server_has_no_doubts_about_the_expressions(fence: Fence, name: str) -> None:
    def status() -> Object:
        found = fence.cluster.get("", "validatingadmissionpolicies", f"fenced-wfe-{name}")
        status: Object = found.get("status", {})
        return status

    fence.cluster.until(lambda: "typeChecking" in status(), what="it is checked")
    assert not status()["typeChecking"].get("expressionWarnings")
