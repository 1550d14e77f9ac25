"""The FlowSchema of the chart, asked of a real API server: which level the operator's requests wait in."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster
from tests.unit.chart.helm import CHART, KUBERNETES, helm

pytestmark = pytest.mark.e2e
# What it asks for: lists of all namespaces, objects in one, objects in none, and what is no object.
PATHS = (
    "/apis/wfe.sunbeam.pt/v1alpha1/workflowinstances",
    "/api/v1/pods?watch=1&timeoutSeconds=1",
    "/apis/wfe.sunbeam.pt/v1alpha1/namespaces/default/workflowinstances/one",
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    "/api/v1/nodes/one",
    "/version",
)


@pytest.fixture
def release(cluster: Cluster) -> Iterator[str]:
    """The name of a release whose level and schema are in the cluster."""
    with cluster.namespace("flow") as namespace:
        objects = helm(
            *("template", namespace, str(CHART), "--namespace", namespace, "--kube-version", KUBERNETES),
            *("--set", "flowSchema.enabled=true", "--show-only", "templates/flow.yaml"),
        )
        cluster.kubectl("apply", "-f", "-", given=objects)
        try:
            yield namespace
        finally:
            cluster.kubectl("delete", "-f", "-", given=objects)


def _schema(cluster: Cluster, path: str, account: str) -> str:
    """Return the uid of the schema that a request of an account matches; being refused comes later."""
    said = cluster.kubectl("get", "--raw", path, "--as", account, "-v=8", check=False)
    found = re.search(r"X-Kubernetes-Pf-Flowschema-Uid: (\S+)", said)
    assert found, said
    return found[1]


def test_all_that_the_operator_asks_for_waits_in_its_own_level(cluster: Cluster, release: str) -> None:
    uid = cluster.kubectl("get", "flowschema", f"{release}-wfe", "-o", "jsonpath={.metadata.uid}")
    operator = f"system:serviceaccount:{release}:{release}-wfe-operator"
    namespaced = PATHS[2]
    cluster.until(
        lambda: _schema(cluster, namespaced, operator) == uid, what="the API server knows the schema"
    )
    elsewhere = [path for path in PATHS if _schema(cluster, path, operator) != uid]
    assert not elsewhere
    other = f"system:serviceaccount:{release}:default"
    assert _schema(cluster, namespaced, other) != uid
