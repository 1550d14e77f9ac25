"""The contract suites of the store and of leases over a real API server."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from wfe import providers
from wfe.ports.leases import Leases
from wfe.ports.store import Store
from wfe.providers.customresource import KubernetesProvider
from wfe.testing.durability_contract import DurabilityContract
from wfe.testing.groups_contract import GroupsContract
from wfe.testing.hand import Hand
from wfe.testing.leases_contract import LeasesContract, World
from wfe.testing.messages_contract import MessagesContract
from wfe.testing.store_contract import MakeStore, StoreContract

pytestmark = pytest.mark.e2e


@pytest.fixture
def store_url(namespace: str) -> str:
    return f"kubernetes:{namespace}?kubeconfig={os.environ['KUBECONFIG']}"


@pytest.fixture
def make_store(store_url: str) -> MakeStore:
    def make() -> Store:
        found = providers.find(store_url).store
        assert found
        return found

    return make


@pytest.fixture
def world(store_url: str) -> World:
    provider = cast(KubernetesProvider, providers.find(store_url))
    hand = Hand()

    def leases(holder: str) -> Leases:
        return provider.leases(holder, now=hand.now)

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        await provider.store.open()
        try:
            yield
        finally:
            await provider.store.close()

    return World(leases=leases, opened=opened, time=hand)


class TestStore(StoreContract): ...


class TestMessages(MessagesContract): ...


class TestGroups(GroupsContract): ...


class TestDurability(DurabilityContract): ...


class TestLeases(LeasesContract): ...
