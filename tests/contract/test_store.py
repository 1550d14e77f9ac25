"""Every store keeps the promises of its port."""

from pathlib import Path

import pytest
from tests.contract.store_urls import DURABLE, WITH_STORE, url_of

from wfe import providers
from wfe.ports.store import Store

SUITES = ("store_contract", "messages_contract", "durability_contract")
pytest.register_assert_rewrite(*(f"wfe.testing.{suite}" for suite in SUITES))

from wfe.testing.durability_contract import DurabilityContract  # noqa: E402 (after the rewriting is asked for)
from wfe.testing.messages_contract import MessagesContract  # noqa: E402
from wfe.testing.store_contract import MakeStore, StoreContract  # noqa: E402


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
        provider = providers.find(store_url) if scheme in DURABLE else shared
        assert provider.store
        return provider.store

    return make


class TestStore(StoreContract): ...


class TestMessages(MessagesContract): ...


@pytest.mark.parametrize("scheme", DURABLE)
class TestDurability(DurabilityContract): ...
