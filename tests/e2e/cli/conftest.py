"""An operator for one namespace, and `wfe` in it."""

from collections.abc import Iterator

import pytest

from tests.e2e.cli.typed import Typed
from tests.e2e.cluster import Cluster
from tests.e2e.process import only_in, running


@pytest.fixture(scope="module")
def typed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    """Give what a user types in a namespace where an operator works."""
    directory = tmp_path_factory.mktemp("cli")
    with (
        cluster.namespace("cli") as namespace,
        running(cluster, directory, settings=only_in(namespace)) as operator,
    ):
        yield Typed(cluster, namespace, directory, operator)
