"""Every provider of a queue keeps the promises of the port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import WITH_QUEUE, WITH_QUEUE_OF_PROCESSES, time_of, url_of
from wfe import providers
from wfe.ports.queue import Queue
from wfe.testing.queue_contract import QueueContract, QueueWaitingContract, World
from wfe.testing.queue_deaths_contract import QueueDeathsContract
from wfe.testing.queue_processes_contract import QueueProcessesContract


@pytest.fixture(params=WITH_QUEUE)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    url = url_of(request.param, tmp_path)
    provider, time = providers.find(url), time_of(url)

    def queue() -> Queue:
        found = provider.queue(now=time.now)
        assert found
        return found

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        await provider.open()
        try:
            yield
        finally:
            await provider.close()

    return World(queue=queue, opened=opened, time=time)


@pytest.fixture(params=WITH_QUEUE_OF_PROCESSES)
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path)


class TestQueue(QueueContract): ...


class TestQueueWaiting(QueueWaitingContract): ...


class TestQueueDeaths(QueueDeathsContract): ...


class TestQueueProcesses(QueueProcessesContract): ...
