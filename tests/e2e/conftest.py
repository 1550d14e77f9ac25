"""What tests on a real cluster share. `hack/test` brings the cluster up and says where it is."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import ROOT, Cluster
from tests.e2e.process import Operator, running


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster of KUBECONFIG, with the custom resources of this tree."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip('needs a cluster: eval "$(hack/testbed env)" after hack/testbed up')
    found = Cluster()
    found.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    return found


@pytest.fixture(scope="module")
def operator(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that runs while the tests of a module do."""
    with running(cluster, tmp_path_factory.mktemp("operator")) as found:
        yield found


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, in which pods are restricted."""
    with cluster.namespace() as found:
        yield found
