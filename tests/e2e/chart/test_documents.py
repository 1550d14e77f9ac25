"""docs/kubernetes.md and the README's cluster section, typed word for word."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks_of, write_files
from tests.e2e.cluster import ROOT, WFE, Cluster
from tests.unit.chart.helm import find_helm

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
IN_CLUSTER = "a cluster runs it"


@pytest.fixture
def desk(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A directory that looks like a clone, and no release in the cluster, before or after."""
    for name in ("charts", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "hack").mkdir()
    testbed = tmp_path / "hack" / "testbed"
    testbed.write_text(f'#!/bin/sh\nexec "{ROOT}/hack/testbed" "$@"\n', "utf-8")
    testbed.chmod(0o755)
    _clear(cluster)
    yield tmp_path
    _clear(cluster)


def _clear(cluster: Cluster) -> None:
    cluster.run(find_helm(), "uninstall", "wfe", "-n", "wfe-system", "--wait", "--ignore-not-found")
    cluster.kubectl(
        "delete", "namespace", "demo", "wfe-system", "--ignore-not-found", "--wait", "--timeout=240s"
    )


def _typed(block: Block, directory: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(WFE).parent}:{Path(find_helm()).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", block.text],
        cwd=directory,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def _type_all(blocks: list[Block], directory: Path) -> None:
    for block in blocks:
        done = _typed(block, directory)
        place = f"line {block.line}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, place
        expected = block.after.partition(": ")[2]
        assert expected in (done.stderr if block.after.startswith("says") else done.stdout), place


# Adopting the definitions that other tests have applied is the one thing that a newcomer does not have to do.
ADOPT = ("helm install wfe", "helm install --take-ownership wfe")


def _sessions(name: str) -> list[Block]:
    blocks = [block for block in blocks_of(name) if block.language == "bash"]
    return [replace(block, text=block.text.replace(*ADOPT)) for block in blocks]


@pytest.mark.timeout(900)
def test_the_page_about_kubernetes_works_as_it_is_written(desk: Path) -> None:
    write_files(blocks_of("docs/kubernetes.md"), desk)
    _type_all([block for block in _sessions("docs/kubernetes.md") if block.is_run], desk)


@pytest.mark.timeout(600)
def test_the_readmes_cluster_section_gives_a_finished_instance_with_logs(desk: Path) -> None:
    blocks = [block for block in _sessions("README.md") if IN_CLUSTER in block.before]
    assert blocks
    _type_all(blocks, desk)
