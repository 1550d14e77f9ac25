"""A server of a test's own does what is done to it, and keeps what it has acknowledged."""

import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.own_server import NoServer, OwnServer, is_alive, own_server
from tests.integration.servers import url_of

pytestmark = pytest.mark.integration


def connection_to(server: OwnServer, *, patience: float = 10) -> socket.socket:
    place = urlsplit(server.url)
    return socket.create_connection((place.hostname or "", place.port or 0), timeout=patience)


def told(server: OwnServer, command: bytes, *, patience: float = 10) -> bytes:
    """Send Valkey a command and return what it says."""
    with connection_to(server, patience=patience) as connection:
        connection.sendall(command + b"\r\n")
        return connection.recv(100)


def test_it_is_gone_at_once_when_killed_and_keeps_url_and_data(a_valkey: OwnServer) -> None:
    told(a_valkey, b"SET key value")
    time_of_sync = told(a_valkey, b"WAITAOF 1 0 5000")
    before = a_valkey.url, a_valkey.pid
    a_valkey.kill()
    assert a_valkey.pid is None
    with pytest.raises(ConnectionRefusedError):
        told(a_valkey, b"PING")
    a_valkey.start()
    assert (a_valkey.url, a_valkey.pid != before[1]) == (before[0], True)
    assert told(a_valkey, b"GET key") == b"$5\r\nvalue\r\n", time_of_sync


@pytest.mark.parametrize("end", [OwnServer.stop, OwnServer.kill])
def test_it_can_be_ended_twice_and_started_twice(
    a_valkey: OwnServer, end: Callable[[OwnServer], None]
) -> None:
    end(a_valkey)
    end(a_valkey)
    a_valkey.start()
    pid = a_valkey.pid
    a_valkey.start()
    assert (a_valkey.pid, told(a_valkey, b"PING")) == (pid, b"+PONG\r\n")


def test_nobody_answers_during_a_pause(a_valkey: OwnServer) -> None:
    a_valkey.pause()
    with pytest.raises(TimeoutError):
        told(a_valkey, b"PING", patience=0.05)
    a_valkey.resume()
    assert told(a_valkey, b"PING") == b"+PONG\r\n"


def test_a_postgres_ends_with_its_children_and_comes_back(a_postgres: OwnServer) -> None:
    with connection_to(a_postgres):
        a_postgres.pause()
        children = Path(f"/proc/{a_postgres.pid}/task/{a_postgres.pid}/children").read_text("ascii").split()
        assert children
        a_postgres.kill()
        assert not [pid for pid in children if is_alive(int(pid))]
    a_postgres.restart()
    assert a_postgres.url.startswith("postgres://wfe:wfe@127.0.0.1:")


def test_an_opensearch_is_not_in_a_cluster_with_another(an_opensearch: OwnServer) -> None:
    with connection_to(an_opensearch) as connection:
        connection.sendall(b"GET /_cat/nodes?h=name HTTP/1.0\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.splitlines()[-1] == b"Node 1"
    assert answer.count(b"Node") == 1


def test_two_have_ports_of_their_own_and_leave_no_data(tmp_path: Path) -> None:
    try:
        with own_server("valkey", tmp_path / "one") as one:
            one.kill()
            with own_server("valkey", tmp_path / "other") as other:
                assert one.url != other.url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("ci", "url", "outcome", "says"),
    [
        pytest.param("", "", pytest.skip.Exception, "hack/testbed servers up", id="elsewhere-it-is-left-out"),
        pytest.param("true", "", pytest.fail.Exception, "hack/testbed servers up", id="in-ci-it-fails"),
        pytest.param("", "redis://127.0.0.1:1", pytest.skip.Exception, "refused", id="it-says-what-is-wrong"),
    ],
)
def test_a_test_without_its_server(
    ci: str, url: str, outcome: type[BaseException], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("WFE_TEST_VALKEY", url)
    with pytest.raises(outcome, match=says):
        url_of("valkey")
