"""Every provider of leases keeps the promises of the port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import WITH_LEASES, time_of, url_of
from wfe import providers
from wfe.ports.leases import Leases
from wfe.testing.leases_contract import LeasesContract, World


@pytest.fixture(params=WITH_LEASES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    url = url_of(request.param, tmp_path)
    provider, time = providers.find(url), time_of(url)

    def leases(holder: str) -> Leases:
        found = provider.leases(holder, now=time.now)
        assert found
        return found

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        await provider.open()
        try:
            yield
        finally:
            await provider.close()

    return World(leases=leases, opened=opened, time=time)


class TestLeases(LeasesContract): ...
