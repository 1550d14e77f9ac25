"""`hack/testbed servers`: brought up and taken down on ports of their own, in a cache of their own."""

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Bed:
    """A test bed that knows nothing of another one on this machine."""

    directory: Path
    port: int

    def servers(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command, with Valkey on the port."""
        return subprocess.run(
            [ROOT / "hack/testbed", "servers", *arguments],
            env={**os.environ, "WFE_TESTBED": str(self.directory), "WFE_VALKEY_PORT": str(self.port)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )


@pytest.fixture
def testbed(tmp_path: Path) -> Iterator[Bed]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Bed(tmp_path, port)
    if why := found.servers("missing", "valkey").stdout:
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    yield found
    found.servers("down", "valkey")


def answer(port: int) -> bytes:
    """Ask what only answers where the protocol of Valkey is spoken."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100)


def test_it_is_up_until_it_is_taken_down_and_nothing_is_left(testbed: Bed) -> None:
    up = testbed.servers("up", "valkey")
    assert up.returncode == 0, up.stderr
    assert answer(testbed.port) == b"+PONG\r\n"
    assert testbed.servers("status", "valkey").returncode == 0
    assert testbed.servers("down", "valkey").returncode == 0
    with pytest.raises(ConnectionRefusedError):
        answer(testbed.port)
    assert not (testbed.directory / "servers/valkey").exists()
    assert not list((testbed.directory / "servers/run").iterdir())
    assert testbed.servers("status", "valkey").returncode == 3


def test_up_twice_starts_it_once(testbed: Bed) -> None:
    testbed.servers("up", "valkey")
    first = testbed.servers("status", "valkey").stdout
    assert testbed.servers("up", "valkey").returncode == 0
    assert testbed.servers("status", "valkey").stdout == first


def test_what_answers_already_is_used_and_left_alone(testbed: Bed, tmp_path: Path) -> None:
    testbed.servers("up", "valkey")
    other = Bed(tmp_path / "other", testbed.port)
    up = other.servers("up", "valkey")
    assert up.returncode == 0, up.stderr
    assert "is not of this test bed" in up.stderr
    assert "is not of this test bed, and stays" in other.servers("down", "valkey").stderr
    assert answer(testbed.port) == b"+PONG\r\n"


def test_a_stranger_on_the_port_is_named(testbed: Bed) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", testbed.port))
        stranger.listen()
        stranger.settimeout(0)
        up = testbed.servers("up", "valkey")
    assert up.returncode == 1
    assert f"somebody listens on port {testbed.port}, and does not answer as redis://127.0.0.1" in up.stderr


def test_an_unknown_server_is_named(testbed: Bed) -> None:
    up = testbed.servers("up", "mysql")
    assert (up.returncode, up.stderr) == (
        1,
        "testbed: there is no server mysql; there are postgres valkey opensearch\n",
    )
