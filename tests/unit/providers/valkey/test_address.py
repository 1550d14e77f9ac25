"""What a URL says of a Valkey server, and what a wrong one is told."""

from datetime import timedelta

import pytest

from wfe import providers
from wfe.providers.valkey import Address
from wfe.providers.valkey.address import parsed


@pytest.mark.parametrize(
    ("url", "address"),
    [
        pytest.param("redis://localhost", Address(host="localhost"), id="the-least"),
        pytest.param("valkey://h:7000/3", Address(host="h", port=7000, database=3), id="port-and-database"),
        pytest.param("rediss://h", Address(host="h", tls=True), id="tls"),
        pytest.param("redis://:p%40ss@h", Address(host="h", password="p@ss"), id="password"),
        pytest.param("redis://u:p@h/", Address(host="h", user="u", password="p"), id="user"),
        pytest.param("redis://[::1]:7000", Address(host="::1", port=7000), id="ipv6"),
        pytest.param(
            "rediss://h?prefix=team/a&timeout=0.5&ca=/ca.pem",
            Address(host="h", tls=True, prefix="team/a", timeout=timedelta(seconds=0.5), ca="/ca.pem"),
            id="options",
        ),
    ],
)
def test_a_url_says_where_the_server_is(url: str, address: Address) -> None:
    assert parsed(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("redis:", "names no server; use `redis://HOST:PORT`", id="nothing"),
        pytest.param("valkey:///1", "names no server; use `valkey://HOST:PORT`", id="no-host"),
        pytest.param("redis://h:port", "has a port that is none", id="port"),
        pytest.param("redis://h:70000", "has a port that is none", id="high-port"),
        pytest.param("redis://h/name", "names a database `name`, but they have numbers", id="database"),
        pytest.param("redis://h?prefix={a}", "has a prefix with odd characters", id="braces"),
        pytest.param("redis://h?prefix=", "has a prefix with odd characters", id="empty-prefix"),
        pytest.param("redis://h?timeout=0", "has a timeout that is no number of seconds", id="no-time"),
        pytest.param("redis://h?timeout=soon", "has a timeout that is no number of seconds", id="words"),
        pytest.param(
            "redis://h?db=1", "has an option `db`; there are `ca`, `prefix`, `timeout`", id="option"
        ),
    ],
)
def test_a_wrong_url_is_told_what_is_right(url: str, said: str) -> None:
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find(url)
    assert said in str(refused.value)


def test_nobody_is_shown_the_password() -> None:
    address = parsed("redis://scott:tiger@[::1]:7000")
    assert str(address) == "the Valkey server [::1]:7000"
    assert "tiger" not in repr(address)
