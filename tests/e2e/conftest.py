"""What tests on a real cluster share. `hack/test` brings the cluster up and says where it is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import ROOT, Cluster
from tests.e2e.process import Operator, only_in, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster of KUBECONFIG, with the custom resources of this tree."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip('needs a cluster: eval "$(hack/testbed env)" after hack/testbed up')
    found = Cluster()
    found.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    found.kubectl("wait", "--for=condition=Established", "-f", str(ROOT / "crds"), "--timeout=120s")
    yield found
    found.connection.close()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, in which pods are restricted."""
    with cluster.namespace() as found:
        yield found


@pytest.fixture
def operator(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Operator]:
    """An operator that works in the namespace of the test."""
    with running(cluster, tmp_path, settings=only_in(namespace)) as found:
        yield found


@pytest.fixture(scope="module")
def operator_of_all(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that works in all namespaces while the tests of a module run: they have to be `alone`."""
    with running(cluster, tmp_path_factory.mktemp("operator")) as found:
        yield found
