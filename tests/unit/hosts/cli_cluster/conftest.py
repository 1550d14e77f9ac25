from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster(tmp_path)
    yield found
    found.close()
