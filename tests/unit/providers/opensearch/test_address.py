"""URLs of OpenSearch servers: what they say, what is refused, and what is shown of them."""

from datetime import timedelta

import pytest

from wfe import providers
from wfe.providers.opensearch import Address
from wfe.providers.opensearch.address import parsed


@pytest.mark.parametrize(
    ("url", "address"),
    [
        pytest.param("http://os", Address(host="os"), id="a-host"),
        pytest.param("https://os:443", Address(host="os", port=443, tls=True), id="tls-and-port"),
        pytest.param(
            "https://u:p%40ss@os/sub/",
            Address(host="os", tls=True, user="u", password="p@ss", path="/sub"),
            id="user-password-path",
        ),
        pytest.param("http://[::1]:9201", Address(host="::1", port=9201), id="an-address"),
        pytest.param(
            "https://os?prefix=a_b-&period=month&refresh=200ms&timeout=2m&ca=/a&cert=/b&key=/c&verify=no",
            Address(
                host="os",
                tls=True,
                prefix="a_b-",
                period="%Y.%m",
                refresh="200ms",
                timeout=timedelta(minutes=2),
                ca="/a",
                cert="/b",
                key="/c",
                verify=False,
            ),
            id="all-options",
        ),
    ],
)
def test_a_url_says_where_and_how(url: str, address: Address) -> None:
    assert parsed(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://", "names no host; use `https://HOST:9200`", id="no-host"),
        pytest.param("http://os:x", "has a port that is no number", id="port"),
        pytest.param(
            "http://os?prefx=a", "an option `prefx`, which is unknown; did you mean `prefix`?", id="typo"
        ),
        pytest.param("http://os?x=1", "which is unknown; there are prefix, period", id="unknown-option"),
        pytest.param("http://os?prefix=A", "has the prefix `A`; use up to 100 small letters", id="prefix"),
        pytest.param("http://os?prefix=a*", "has the prefix `a*`", id="prefix-as-a-pattern"),
        pytest.param("http://os?prefix=", "has the prefix ``", id="no-prefix"),
        pytest.param("http://os?period=week", "has period `week`; use one of day, month", id="period"),
        pytest.param("http://os?refresh=soon", "has refresh `soon`; use a duration", id="refresh"),
        pytest.param("http://os?timeout=0s", "has timeout `0s`; use a duration", id="timeout"),
        pytest.param("http://os?verify=false", "has verify `false`; use one of yes, no", id="verify"),
    ],
)
def test_a_wrong_url_is_told_what_is_right(url: str, said: str) -> None:
    with pytest.raises(providers.UrlInvalid) as refused:
        providers.find(url)
    assert said in str(refused.value)


def test_a_password_is_not_shown() -> None:
    address = parsed("https://wfe:hunter2@os:9200/x?prefix=a-")
    assert str(address) == "https://wfe@os:9200/x"
    assert "hunter2" not in repr(address)
