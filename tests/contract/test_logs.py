"""Every keeper of logs keeps the promises of the port."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import DURABLE_LOGS, WITH_LOGS, openers
from wfe.ports.logs import LogStore
from wfe.testing.logs_contract import DurableLogsContract, LogsContract, MakeLogs


@pytest.fixture(params=WITH_LOGS)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_logs(scheme: str, tmp_path: Path) -> Iterator[MakeLogs]:
    with openers(scheme, tmp_path) as opened:

        @asynccontextmanager
        async def make() -> AsyncIterator[LogStore]:
            async with opened() as provider:
                assert provider.logs
                yield provider.logs

        yield make


class TestLogs(LogsContract): ...


@pytest.mark.parametrize("scheme", DURABLE_LOGS)
class TestDurableLogs(DurableLogsContract): ...
