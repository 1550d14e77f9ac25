"""An operator for one namespace, which the tests of a module share."""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.operator.site import Site
from tests.e2e.process import only_in, running


@pytest.fixture(scope="module")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A namespace and an operator that works in it alone."""
    with cluster.namespace("operator") as namespace:
        directory = tmp_path_factory.mktemp("operator")
        with running(cluster, directory, settings=only_in(namespace)) as operator:
            yield Site(cluster, operator, namespace)
