"""The project's own pipeline runs in a cluster: the same file, from a clone on a volume to packages and notes."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.cluster import ROOT, Cluster
from tests.e2e.process import only_in, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# Enough to show that tests run there, and no more: all of them run on the machine that the cluster is on.
SOME = {
    "workspace_dir": "source",
    "with_lint": "false",
    "with_cluster": "false",
    "unit": "tests/unit/model",
    "integration": "tests/contract/test_leases.py",
    "coverage_threshold": "1",
}


@contextmanager
def served(address: str) -> Iterator[str]:
    """Serve this repository to pods; give its URL."""
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    command = [
        "git",
        "daemon",
        f"--listen={address}",
        f"--port={port}",
        f"--base-path={ROOT}",
        "--export-all",
    ]
    # It starts a process for each that it serves, and ends them with its own group.
    daemon = subprocess.Popen([*command, str(ROOT / ".git")], process_group=0)
    try:
        while daemon.poll() is None:
            try:
                socket.create_connection((address, port), timeout=5).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"git://{address}:{port}/.git"
    finally:
        daemon.terminate()
        daemon.wait()


def test_the_pipeline_of_the_project_runs_in_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    address = urlsplit(
        cluster.kubectl("config", "view", "--minify", "-o=jsonpath={.clusters[0].cluster.server}")
    )
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert address.hostname is not None
    with (
        cluster.namespace("pipeline") as namespace,
        running(cluster, tmp_path, settings=only_in(namespace)),
        served(address.hostname) as url,
    ):

        def submit(file: str, **inputs: str) -> dict[str, Any]:
            given = {"repository": url, "revision": head, **inputs}
            options = [f"--input={name}={value}" for name, value in given.items()]
            result = cluster.wfe("submit", file, "-n", namespace, "--wait", "--output=json", *options)
            document: dict[str, Any] = json.loads(result.stdout or "{}")
            assert document.get("status") == "Complete", result
            outputs: dict[str, Any] = document["outputs"]
            return outputs

        with ThreadPoolExecutor() as beside:
            ended = beside.submit(submit, "hack/pipeline/postgres.yaml", tests="tests/contract/test_store.py")
            outputs = submit("workflows.yaml", **SOME)
            ended.result()
        assert outputs["packages"] == ["wfe-0.1.0-py3-none-any.whl", "wfe-0.1.0.tar.gz"]
        assert outputs["coverage"] > 1
        assert [name for name, line in outputs["tests"].items() if " passed" not in line] == []
