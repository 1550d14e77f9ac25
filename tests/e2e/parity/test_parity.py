"""The same file ends with the same data on a laptop and in a cluster.

The files are those of the reference of the language, which says what comes of each; `tests/docs` runs them on a
laptop. Here each is run in the cluster, in a namespace of its own.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import Block, write_files
from tests.docs.test_language import BLOCKS, EXPECTED, FILES
from tests.e2e.cluster import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
AT_ONCE = 6
# A cluster has no current directory with files in it, and no environment to inherit from.
LAPTOP_ONLY = {
    "--max-tasks": "a cluster has no such limit",
    "--secret": "secrets are objects of the namespace there: tests/e2e/cli has them",
}
RUN = [block for block in FILES if block.after.startswith("runs")]


def _options(block: Block) -> list[str]:
    found = EXPECTED.fullmatch(block.after)
    assert found
    return shlex.split(found["options"] or "")


IN_CLUSTER = [block for block in RUN if not LAPTOP_ONLY.keys() & set(_options(block))]


@pytest.fixture(scope="module")
def results(
    cluster: Cluster, operator_of_all: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[subprocess.CompletedProcess[str]]"]]:
    """Run all of them, some at a time."""
    del operator_of_all
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            block.title: pool.submit(_run, cluster, block, tmp_path_factory.mktemp("parity"))
            for block in IN_CLUSTER
        }


def _run(cluster: Cluster, block: Block, directory: Path) -> "subprocess.CompletedProcess[str]":
    write_files(BLOCKS, directory)
    name = block.file or "workflow.yaml"
    (directory / name).write_text(block.text, "utf-8")
    with cluster.namespace(f"parity-{block.line}") as namespace:
        wfe = [str(Path(sys.executable).parent / "wfe"), "submit", name, "--cluster", "-n", namespace]
        return subprocess.run(
            [*wfe, "--wait", "--output", "json", *_options(block)],
            cwd=directory,
            env=cluster.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.mark.parametrize("block", IN_CLUSTER, ids=lambda block: block.title)
def test_a_file_ends_in_the_cluster_as_on_a_laptop(
    block: Block, results: dict[str, "Future[subprocess.CompletedProcess[str]]"]
) -> None:
    result = results[block.title].result()
    found = EXPECTED.fullmatch(block.after)
    assert found
    document: dict[str, Any] = json.loads(result.stdout or "{}")
    assert document.get("status") == found["status"], result
    for key, value in json.loads(found["data"] or "{}").items():
        assert document["data"].get(key) == value, (key, result)


def test_there_are_at_least_thirty() -> None:
    assert len(IN_CLUSTER) >= 30
