"""A kind of objects that the tests of `wfe.kube` have for themselves."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.kube.places import DEFINITION


@pytest.fixture(scope="module")
def widgets(cluster: Cluster) -> Iterator[None]:
    """The definition of widgets, as long as a module's tests run."""
    name = f"crd/{DEFINITION['metadata']['name']}"
    cluster.kubectl("apply", "-f", "-", given=json.dumps(DEFINITION))
    cluster.kubectl("wait", "--for=condition=Established", name, "--timeout=240s")
    yield
    cluster.kubectl("delete", name, "--wait=false")
