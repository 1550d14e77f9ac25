"""Every provider of leases keeps the promises of the port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import WITH_LEASES, url_of
from wfe import providers
from wfe.ports.leases import Leases
from wfe.testing.leases_contract import Hand, LeasesContract, World


@pytest.fixture(params=WITH_LEASES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    provider = providers.find(url_of(request.param, tmp_path))
    hand = Hand()

    def leases(holder: str) -> Leases:
        found = provider.leases(holder, now=hand.now)
        assert found
        return found

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        store = provider.store
        if store is None:
            yield
            return
        await store.open()
        try:
            yield
        finally:
            await store.close()

    return World(leases=leases, opened=opened, hand=hand)


class TestLeases(LeasesContract): ...
