"""Every store keeps the promises of its port."""

from pathlib import Path

import pytest
from tests.contract.store_urls import WITH_STORE, url_of

from wfe import providers
from wfe.ports.store import Store

pytest.register_assert_rewrite("wfe.testing.store_contract", "wfe.testing.messages_contract")

from wfe.testing.messages_contract import MessagesContract  # noqa: E402 (after the rewriting is asked for)
from wfe.testing.store_contract import MakeStore, StoreContract  # noqa: E402


@pytest.fixture(params=WITH_STORE)
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    url = url_of(request.param, tmp_path)
    shared = providers.find(url).store

    def make() -> Store:
        store = shared if request.param == "memory" else providers.find(url).store
        assert store
        return store

    return make


class TestStore(StoreContract): ...


class TestMessages(MessagesContract): ...
