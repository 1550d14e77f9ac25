"""A provider is found by the scheme of its URL, and a wrong URL is told what is right."""

import pytest

from wfe import providers
from wfe.providers.memory import MemoryStore
from wfe.providers.sqlite import SqliteStore


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
        pytest.param("oracle://host", "use one of `memory:`, `sqlite:`", id="unknown"),
        pytest.param("x.db", "no provider has the scheme of `x.db`", id="no-scheme"),
        pytest.param("", "no provider has the scheme", id="empty"),
        pytest.param("sqlite:", "`sqlite:` names no file; use `sqlite:PATH`", id="no-path"),
        pytest.param("sqlite::memory:", "or `memory:` to keep nothing", id="sqlite-in-memory"),
        pytest.param("memory:x", "use `memory:`", id="named-memory"),
    ],
)
def test_a_wrong_url_is_told_what_is_right(url: str, said: str) -> None:
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find(url)
    assert said in str(refused.value)


def test_an_error_shows_no_password() -> None:
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find("oracle://scott:tiger@host/db")
    assert "tiger" not in str(refused.value)
    assert "oracle://…@host/db" in str(refused.value)


def test_every_memory_is_another() -> None:
    assert providers.find("memory:").store is not providers.find("memory:").store
