"""A provider is found by the scheme of its URL, and a wrong URL is told what is right."""

import sys

import pytest

from wfe import providers
from wfe.ports.leases import Leases
from wfe.ports.queue import Queue
from wfe.ports.store import Store
from wfe.providers import Provider
from wfe.providers.memory import MemoryProvider, MemoryStore
from wfe.providers.postgres import PostgresProvider
from wfe.providers.postgres.address import Address
from wfe.providers.sqlite import SqliteProvider, SqliteStore
from wfe.testing.builders import NOON


@pytest.mark.parametrize(
    ("url", "kind", "path"),
    [
        pytest.param("memory:", MemoryStore, None, id="memory"),
        pytest.param("memory://", MemoryStore, None, id="memory-with-slashes"),
        pytest.param("sqlite:.wfe/wfe.db", SqliteStore, ".wfe/wfe.db", id="relative"),
        pytest.param("sqlite:/var/wfe.db", SqliteStore, "/var/wfe.db", id="absolute"),
        pytest.param("sqlite:///var/wfe.db", SqliteStore, "/var/wfe.db", id="absolute-with-slashes"),
    ],
)
def test_a_url_names_a_store(url: str, kind: type, path: str | None) -> None:
    store = providers.find(url).store
    assert type(store) is kind
    assert path is None or (isinstance(store, SqliteStore) and store.database.path == path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("sqllite:x.db", "did you mean `sqlite:`?", id="typo"),
        pytest.param("oracle://host", "use one of `files:`, `http:`, ", id="unknown"),
        pytest.param("x.db", "no provider has the scheme of `x.db`", id="no-scheme"),
        pytest.param("", "no provider has the scheme", id="empty"),
        pytest.param("sqlite:", "`sqlite:` names no file; use `sqlite:PATH`", id="no-path"),
        pytest.param("sqlite::memory:", "or `memory:` to keep nothing", id="sqlite-in-memory"),
        pytest.param("files:", "`files:` names no directory; use `files:DIRECTORY`", id="no-directory"),
        pytest.param("memory:x", "use `memory:`", id="named-memory"),
    ],
)
def test_a_wrong_url_is_told_what_is_right(url: str, said: str) -> None:
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find(url)
    assert said in str(refused.value)


def test_a_client_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("wfe.providers.valkey")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find("redis://localhost")
    assert "`redis:` needs the package `redis`, which is not" in str(refused.value)
    assert "pip install 'wfe[valkey]'" in str(refused.value)


def test_an_error_shows_no_password() -> None:
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find("oracle://scott:tiger@host/db")
    assert "tiger" not in str(refused.value)
    assert "oracle://…@host/db" in str(refused.value)


def test_every_memory_is_another() -> None:
    assert providers.find("memory:").store is not providers.find("memory:").store


@pytest.mark.parametrize(
    "provider", [MemoryProvider(), PostgresProvider(Address("postgres://h/db")), SqliteProvider("x.db")]
)
def test_a_provider_has_the_shape_of_its_ports(
    provider: MemoryProvider | PostgresProvider | SqliteProvider,
) -> None:
    # The annotations are the test: the type checker compares each with its protocol.
    whole: Provider = provider
    store: Store = provider.store
    leases: Leases = provider.leases("me", now=lambda: NOON)
    queue: Queue = provider.queue(now=lambda: NOON)
    assert whole.store is store
    assert leases is not None
    assert queue is not None
