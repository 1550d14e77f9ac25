"""What the environment says of servers outside the cluster's API."""

import pytest

from wfe.hosts.kubernetes.servers import VARIABLES, ServersInvalid, read_servers
from wfe.providers import find

CA = "/etc/wfe-servers/ca.crt"
TRUSTED = [
    pytest.param(
        "postgres",
        "postgres://u:hidden@db/wfe",
        "postgres://u:hidden@db/wfe?sslrootcert=%2Fetc%2Fwfe-servers%2Fca.crt&sslmode=verify-full",
        id="postgres-checks-the-name-too",
    ),
    pytest.param(
        "postgres",
        "postgresql://db/wfe?sslmode=verify-ca",
        "postgresql://db/wfe?sslmode=verify-ca&sslrootcert=%2Fetc%2Fwfe-servers%2Fca.crt",
        id="postgres-as-the-url-says",
    ),
    pytest.param(
        "opensearch",
        "https://u:hidden@search:9200?prefix=ci-",
        "https://u:hidden@search:9200?prefix=ci-&ca=%2Fetc%2Fwfe-servers%2Fca.crt",
        id="opensearch",
    ),
    pytest.param(
        "valkey",
        "rediss://:hidden@valkey/0",
        "rediss://:hidden@valkey/0?ca=%2Fetc%2Fwfe-servers%2Fca.crt",
        id="valkey",
    ),
]


@pytest.mark.parametrize(("name", "url", "expected"), TRUSTED)
def test_the_authority_of_a_server_becomes_an_option_of_its_url(name: str, url: str, expected: str) -> None:
    variables = VARIABLES[name]
    servers = read_servers({variables.url: f"{url}\n", variables.ca: CA})
    found = getattr(servers, name).get_secret_value()
    assert found == expected
    find(found)  # takes it


@pytest.mark.parametrize("name", VARIABLES)
def test_a_server_that_nobody_names_is_none(name: str) -> None:
    assert getattr(read_servers({}), name).get_secret_value() == ""


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        pytest.param("postgres", "", "WFE_POSTGRES_URL has to begin with `postgres://` or", id="no-server"),
        pytest.param("opensearch", "http://u:hidden@h", "has to begin with `https://`", id="http"),
        pytest.param("valkey", "redis://u:hidden@h", "has to begin with `rediss://`", id="redis"),
        pytest.param("valkey", "rediss://u:hidden@h?ca=/x", "keep one of them", id="two-authorities"),
        pytest.param(
            "postgres", "postgres://u:hidden@h/d?sslmode=prefer", "use `sslmode=verify-full`", id="unverified"
        ),
    ],
)
def test_an_authority_without_use_is_refused_without_showing_the_url(name: str, url: str, said: str) -> None:
    variables = VARIABLES[name]
    with pytest.raises(ServersInvalid) as refused:
        read_servers({variables.url: url, variables.ca: CA})
    assert said in str(refused.value)
    assert "hidden" not in str(refused.value)
