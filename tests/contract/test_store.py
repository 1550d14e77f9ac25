"""Every store keeps the promises of its port."""

from pathlib import Path

import pytest

from tests.contract.store_urls import DURABLE, WITH_STORE, url_of
from wfe import providers
from wfe.ports.store import Store
from wfe.testing.durability_contract import DurabilityContract
from wfe.testing.groups_contract import GroupsContract
from wfe.testing.messages_contract import MessagesContract
from wfe.testing.store_contract import MakeStore, StoreContract


@pytest.fixture(params=WITH_STORE)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(scheme: str, tmp_path: Path) -> str:
    return url_of(scheme, tmp_path)


@pytest.fixture
def make_store(scheme: str, store_url: str) -> MakeStore:
    shared = providers.find(store_url)

    def make() -> Store:
        provider = shared if scheme == "memory" else providers.find(store_url)
        assert provider.store
        return provider.store

    return make


class TestStore(StoreContract): ...


class TestMessages(MessagesContract): ...


class TestGroups(GroupsContract): ...


@pytest.mark.parametrize("scheme", DURABLE)
class TestDurability(DurabilityContract): ...
