"""A warm pool: an instance of the default image takes over a pod that runs already."""

import json
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster, shell
from tests.e2e.operator.site import Site
from tests.e2e.process import RUNNER_IMAGE, only_in, running

pytestmark = pytest.mark.e2e


def idle(site: Site) -> list[str]:
    """Return the names of the idle pods that run."""
    pods = site.cluster.items(site.namespace, "pods", labels="wfe.sunbeam.pt/role=pool")
    return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"]


def test_an_instance_takes_over_an_idle_pod_and_another_takes_its_place(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    runner = {"image": RUNNER_IMAGE, "imagePullPolicy": "IfNotPresent", "pool": {"size": 1}}
    settings = {**only_in(namespace), "runner": runner}
    with running(cluster, tmp_path, settings=settings) as operator:
        site = Site(cluster, operator, namespace)
        site.until(lambda: idle(site), "there is no idle pod")
        (taken,) = idle(site)
        site.define("where", shell("a", "echo where=$HOSTNAME >> $WFE_OUTPUT"), outputs={"where": "string"})
        site.start("where-1", "where")
        assert json.loads(site.settled("where-1")["outputs"]["where"]) == taken
        site.until(lambda: idle(site) and taken not in idle(site), "its place is empty")
        site.until(lambda: taken not in site.pods(), "a pod is used for two instances")
