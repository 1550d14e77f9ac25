"""An operator for one namespace, and `wfe` in it."""

from collections.abc import Iterator

import pytest

from tests.e2e.cli.typed import Typed
from tests.e2e.cluster import Cluster
from tests.e2e.process import Operator


@pytest.fixture(scope="module")
def typed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    """Give what a user types in a namespace where an operator works."""
    directory = tmp_path_factory.mktemp("cli")
    with cluster.namespace("cli") as namespace:
        settings = {"namespaces": [namespace], "leaseNamespace": namespace}
        operator = Operator(cluster, directory, settings)
        operator.start()
        try:
            yield Typed(cluster, namespace, directory, operator)
        finally:
            operator.end()
