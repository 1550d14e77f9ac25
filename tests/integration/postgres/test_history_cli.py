"""`wfe` and the history of a cluster: filled from nothing, compared, listed, shown when the cluster has forgotten."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster
from wfe.providers.customresource import INSTANCES

pytestmark = pytest.mark.integration

TEXT = """
workflows:
  - id: order
    version: 2
    inputs: {code: integer}
    steps:
      - name: look
        config: {run: "true"}
      - name: ship
        type: workflow
        config: {workflow: shipping}
      - name: check
        config: {run: "exit ((code))"}
  - {id: shipping, version: 1, steps: [{name: pack, config: {run: "echo packed"}}]}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.close()


def plain(text: str) -> str:
    """Leave out what is different each time."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    return re.sub(r"\b(\d+m)?\d+(\.\d+)?m?s\b", "TOOK", text)


def test_a_history_is_filled_from_nothing_and_is_then_as_the_cluster(cluster: Cluster, url: str) -> None:
    with cluster.working() as worker:
        file = cluster.write(TEXT)
        for number, code in enumerate((0, 3, 0)):
            worker.run(file, f"o{number}", code=code)
    history = ("--history-url", url)

    checked = cluster.wfe("rebuild-mirror", "--check", *history, code=1)
    assert "demo/o1: not in the history" in checked.stdout
    assert "6 instances looked at, 6 put, 0 differences" in cluster.wfe("rebuild-mirror", *history).stderr
    assert "6 instances looked at, 0 put, 0 differences" in cluster.wfe("rebuild-mirror", *history).stderr
    cluster.wfe("rebuild-mirror", "--check", *history)

    live, kept = cluster.wfe("list").stdout, cluster.wfe("list", "--history", *history).stdout
    assert sorted(plain(kept).split()) == sorted(plain(live).split())
    names = cluster.wfe("list", "--history", "--status", "Failed", "-o", "name", *history).stdout
    assert names == "o1\n"
    assert len(cluster.wfe("list", "--history", "--limit", "2", "-o", "name", *history).stdout.split()) == 2
    of_all = cluster.wfe("list", "--history", "--all", "-A", *history).stdout
    assert of_all.count("shipping v1") == 3

    shown = plain(cluster.wfe("show", "o1").stdout)
    cluster.delete(INSTANCES, "o1")
    assert plain(cluster.wfe("show", "o1", "--history", *history).stdout) == shown.partition("\ndata")[0]
    described = cluster.json("show", "o1", "--history", *history)
    assert [step["path"] for step in described["steps"]] == ["look", "ship", "ship/pack", "check"]
