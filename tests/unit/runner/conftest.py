"""A cluster for each test, whose containers have the shell of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.runner.cluster import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "cluster")
    yield cluster
    cluster.close()
