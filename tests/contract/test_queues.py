"""Every provider of a queue keeps the promises of the port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import WITH_QUEUE, url_of
from wfe import providers
from wfe.ports.queue import Queue
from wfe.testing.hand import Hand
from wfe.testing.queue_contract import QueueContract, QueueWaitingContract, World
from wfe.testing.queue_processes_contract import QueueProcessesContract

OF_ALL_PROCESSES = [scheme for scheme in WITH_QUEUE if scheme != "memory"]


@pytest.fixture(params=WITH_QUEUE)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    provider = providers.find(url_of(request.param, tmp_path))
    hand = Hand()

    def queue() -> Queue:
        found = provider.queue(now=hand.now)
        assert found
        return found

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        await provider.open()
        try:
            yield
        finally:
            await provider.close()

    return World(queue=queue, opened=opened, time=hand)


@pytest.fixture(params=OF_ALL_PROCESSES)
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path)


class TestQueue(QueueContract): ...


class TestQueueWaiting(QueueWaitingContract): ...


class TestQueueProcesses(QueueProcessesContract): ...
