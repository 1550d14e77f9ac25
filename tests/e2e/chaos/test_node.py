"""A node whose kubelet ends: nobody else may need it meanwhile."""

import subprocess

import pytest

from tests.e2e.chaos.counted import counted, ran, until_it_writes
from tests.e2e.cluster import Cluster, instance
from tests.e2e.process import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


def test_steps_survive_a_kubelet_that_is_stopped_and_started(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    cluster.apply(namespace, counted("counted", 30), instance("i", "counted"))
    until_it_writes(cluster, namespace, "line of s0")
    for what in ("stop", "start"):
        subprocess.run(["hack/testbed", "node", what], check=True, env=cluster.environment)
        cluster.run("sleep", "3")
    status = cluster.ended(namespace, "i")
    assert status["phase"] == "Complete", status
    assert set(ran(status).values()) == {1}
