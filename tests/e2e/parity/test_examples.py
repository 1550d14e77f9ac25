"""The examples run in a cluster, too, and end as on a laptop. Those in Python are programs of a laptop.

And so does a pipeline with what only a cluster has: a volume, a database beside the steps, images.
"""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.e2e.cluster import Cluster
from tests.integration.test_examples import EXAMPLES, OUTPUTS

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
AT_ONCE = 3
PIPELINE = Path(__file__).with_name("pipeline.yaml")
EXPECTED: dict[Path, dict[str, Any]] = {
    PIPELINE: {"revision": "Begin", "rows": 2, "archive": "schema.sql"},
    **{EXAMPLES / name: outputs for name, outputs in OUTPUTS.items()},
}
Results = dict[Path, "Future[CompletedProcess[str]]"]


@pytest.fixture(scope="module")
def results(cluster: Cluster, operator_of_all: object) -> Iterator[Results]:
    """Run all of them, some at a time."""
    del operator_of_all
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {file: pool.submit(_run, cluster, file) for file in EXPECTED}


def _run(cluster: Cluster, file: Path) -> "CompletedProcess[str]":
    with cluster.namespace("examples") as namespace:
        return cluster.wfe("submit", str(file), "-n", namespace, "--wait", "--output", "json")


@pytest.mark.parametrize("file", EXPECTED, ids=lambda file: file.name)
def test_a_file_ends_in_the_cluster_with_its_outputs(file: Path, results: Results) -> None:
    result = results[file].result()
    document = json.loads(result.stdout or "{}")
    assert (result.returncode, document.get("status")) == (0, "Complete"), result
    assert {key: document["outputs"][key] for key in EXPECTED[file]} == EXPECTED[file]
