"""What a URL of Postgres says, and what of it is shown."""

import pytest

from wfe import providers
from wfe.providers.postgres.address import Address

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "dsn", "schema"),
    [
        pytest.param("postgres://h/db", "postgres://h/db", "wfe", id="plain"),
        pytest.param("postgresql://h/db?schema=mine", "postgresql://h/db", "mine", id="schema"),
        pytest.param(
            "postgres://u:p@h:1/db?sslmode=require&schema=a_1", "postgres://u:p@h:1/db?sslmode=require", "a_1",
            id="the-rest-is-the-clients",
        ),
    ],
)  # fmt: skip
def test_a_url_names_server_and_schema(url: str, dsn: str, schema: str) -> None:
    address = Address.of(url)
    assert (address.dsn, address.schema) == (dsn, schema)


def test_options_say_how_to_talk() -> None:
    address = Address.of("postgres://h/db?connections=20&statement_cache_size=0")
    assert (address.dsn, address.connections, address.cached_statements) == ("postgres://h/db", 20, 0)
    assert Address.of("postgres://h/db") == Address("postgres://h/db")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param("schema=", "a schema that cannot be one", id="empty"),
        pytest.param("schema=a;b", "a schema that cannot be one", id="odd"),
        pytest.param("schema=Wfe", "a schema that cannot be one", id="capital"),
        pytest.param("schema=pg_x", "a schema that cannot be one", id="the-servers-own"),
        pytest.param(f"schema={'x' * 41}", "at most 40", id="long"),
        pytest.param("connections=1", "`connections`, which needs a number from 2", id="one-listens"),
        pytest.param(
            "statement_cache_size=-1", "`statement_cache_size`, which needs a number from 0", id="negative"
        ),
    ],
)
def test_a_wrong_option_is_told_what_is_right(options: str, said: str) -> None:
    with pytest.raises(providers.UrlInvalid, match=said):
        providers.find(f"postgres://host/db?{options}")


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://me:{SECRET}@host:5433/db?schema=mine",
        f"postgres://me@host:5433/db?schema=mine&password={SECRET}",
    ],
)
def test_what_is_shown_has_no_password(url: str) -> None:
    address = Address.of(url)
    assert address.shown == "postgres://me@host:5433/db?schema=mine"
    assert SECRET not in repr(address)
    assert SECRET in address.dsn
