"""An operator for one namespace, which the tests of a module share."""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.operator.site import Site
from tests.e2e.process import Operator


@pytest.fixture(scope="module")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A namespace and an operator that works in it alone."""
    with cluster.namespace("operator") as namespace:
        settings = {"namespaces": [namespace], "leaseNamespace": namespace}
        operator = Operator(cluster, tmp_path_factory.mktemp("operator"), settings)
        operator.start()
        try:
            yield Site(cluster, operator, namespace)
        finally:
            operator.end()
