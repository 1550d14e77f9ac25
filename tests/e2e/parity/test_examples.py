"""The examples run in a cluster, too, and end as on a laptop. Those in Python are programs of a laptop."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from subprocess import CompletedProcess

import pytest

from tests.e2e.cluster import Cluster
from tests.integration.test_examples import EXAMPLES, OUTPUTS

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
AT_ONCE = 3
Results = dict[str, "Future[CompletedProcess[str]]"]


@pytest.fixture(scope="module")
def results(cluster: Cluster, operator_of_all: object) -> Iterator[Results]:
    """Run all of them, some at a time."""
    del operator_of_all
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(_run, cluster, name) for name in OUTPUTS}


def _run(cluster: Cluster, name: str) -> "CompletedProcess[str]":
    with cluster.namespace("examples") as namespace:
        return cluster.wfe("submit", str(EXAMPLES / name), "-n", namespace, "--wait", "--output", "json")


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_example_ends_in_the_cluster_with_its_outputs(name: str, results: Results) -> None:
    result = results[name].result()
    document = json.loads(result.stdout or "{}")
    assert (result.returncode, document.get("status")) == (0, "Complete"), result
    assert {key: document["outputs"][key] for key in OUTPUTS[name]} == OUTPUTS[name]
