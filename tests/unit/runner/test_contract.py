"""The contract of executors, over a fake cluster whose containers run real shells."""

import pytest

from tests.unit.runner.cluster import ROOT, Cluster, Homes, Host, needs
from wfe.testing.builders import an_instance
from wfe.testing.executor_contract import ExecutorContract, ExecutorOutputsContract, Recorder, Site


@pytest.fixture
def site(cluster: Cluster) -> Site:
    sink, homes = Recorder(), Homes(needs())
    return Site(lambda: Host(cluster, homes, sink), sink, cluster.workspace, an_instance(ROOT)())


class TestExecutor(ExecutorContract):
    pass


class TestOutputs(ExecutorOutputsContract):
    pass
