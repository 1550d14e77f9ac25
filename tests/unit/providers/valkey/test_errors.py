"""Whatever the server or the network says becomes an error that says whether it may pass, and the way out."""

import ssl

import pytest
from redis import exceptions

from wfe.errors import Permanent, StoreUnavailable
from wfe.providers.valkey.errors import translated


def by_tls(error: Exception) -> Exception:
    """Return what the client makes of an error of TLS."""
    outer = exceptions.ConnectionError("Error 1 connecting to h")
    outer.__context__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        pytest.param(TimeoutError(), StoreUnavailable, "does not answer in time", id="silence"),
        pytest.param(exceptions.TimeoutError("t"), StoreUnavailable, "does not answer in time", id="timeout"),
        pytest.param(exceptions.ConnectionError("refused"), StoreUnavailable, "(refused)", id="refused"),
        pytest.param(exceptions.BusyLoadingError("l"), StoreUnavailable, "still loading", id="loading"),
        pytest.param(exceptions.OutOfMemoryError("o"), StoreUnavailable, "`maxmemory`", id="memory"),
        pytest.param(exceptions.ReadOnlyError("r"), StoreUnavailable, "name the primary", id="replica"),
        pytest.param(exceptions.NoScriptError("n"), StoreUnavailable, "forgets scripts", id="scripts"),
        pytest.param(exceptions.ResponseError("MISCONF x"), StoreUnavailable, "its disk", id="disk"),
        pytest.param(exceptions.AuthenticationError("invalid"), Permanent, "refuses the user", id="password"),
        pytest.param(
            exceptions.AuthenticationError("Authentication required."), Permanent, "wants a", id="none"
        ),
        pytest.param(exceptions.NoPermissionError("n"), Permanent, "grant the user", id="permission"),
        pytest.param(exceptions.ResponseError("WRONGTYPE x"), Permanent, "`?prefix=`", id="foreign-key"),
        pytest.param(exceptions.MovedError("1 h:1"), Permanent, "not in cluster mode", id="cluster"),
        pytest.param(exceptions.ResponseError("unknown command x"), Permanent, "is too old", id="old"),
        pytest.param(exceptions.ResponseError("what?"), Permanent, "refuses what WFE asks for", id="other"),
        pytest.param(by_tls(ssl.SSLCertVerificationError("self")), Permanent, "`?ca=FILE`", id="certificate"),
    ],
)
def test_an_error_says_whether_it_may_pass_and_the_way_out(
    error: Exception, kind: type[Exception], said: str
) -> None:
    ours = translated(error, "the Valkey server h:6379")
    assert isinstance(ours, kind)
    assert str(ours).startswith("the Valkey server h:6379 ")
    assert said in str(ours)
