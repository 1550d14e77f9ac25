"""A provider is found by the scheme of its URL, and a wrong URL is told what is right."""

import re
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


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgres://u:ti/ger@h/d", id="postgres-slash"),
        pytest.param("postgres://u:12#ger@h/d", id="postgres-hash"),
        pytest.param("https://u:12/ger@h", id="opensearch-slash"),
        pytest.param("https://u:ti?ger@h", id="opensearch-question"),
        pytest.param("rediss://u:ti#ger@h", id="valkey-hash"),
        pytest.param("redis://:12/ger@h", id="valkey-slash"),
    ],
)
def test_a_password_with_signs_of_urls_is_refused_and_not_shown(url: str) -> None:
    """It would be taken for a port, a path or an option, and shown as such."""
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find(url)
    assert "write `/` as `%2F`" in str(refused.value)
    assert not {"ti", "ger", "12"} & set(re.split(r"\W+", str(refused.value)))


@pytest.mark.parametrize(
    "url",
    ["sqlite:a@b.db", "sqlite:///a/b@c.db", "files:logs@home", "https://u:p@h/a@b", "https://h:9200/path"],
)
def test_an_at_sign_elsewhere_is_none_of_a_password(url: str) -> None:
    providers.find(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("postgres://u:p@h/d", "postgres://…@h/d", id="user"),
        pytest.param("postgres://h/d?password=p&a=b", "postgres://h/d?password=…&a=b", id="option"),
        pytest.param(
            "postgres://h/d?a=b&sslpassword=p", "postgres://h/d?a=b&sslpassword=…", id="last-option"
        ),
        pytest.param("sqlite:x.db", "sqlite:x.db", id="nothing-to-hide"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert providers.without_secrets(url) == shown


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
