"""The contract suite over every executor of processes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wfe.executors.local import LocalExecutor
from wfe.testing.executor_contract import ExecutorContract, ExecutorOutputsContract, Recorder, Site

START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["local"])
def site(tmp_path: Path) -> Site:
    sink = Recorder()
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Site(
        lambda: LocalExecutor(tmp_path / "state", workspace, sink, now=lambda: START + timedelta(hours=1)),
        sink,
        workspace,
    )


class TestExecutors(ExecutorContract):
    pass


class TestOutputs(ExecutorOutputsContract):
    pass
