"""A server that one test has for itself: to kill, stop, pause and start again."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Name = Literal["postgres", "valkey", "opensearch"]

TESTBED = Path(__file__).resolve().parents[2] / "hack/testbed"
# Below those that the kernel gives to clients; OpenSearch's runner takes none beyond.
PORTS = {"postgres": range(20_000, 32_000), "valkey": range(20_000, 32_000), "opensearch": range(9201, 9300)}
# How each is asked to end, orderly: it closes its connections and writes what it has.
ORDERLY = {"postgres": signal.SIGINT, "valkey": signal.SIGTERM, "opensearch": signal.SIGTERM}
_OFFSETS = itertools.count(os.getpid() * 37)  # tests run beside each other, in processes of their own


class NoServer(Exception):
    """The programs are not here, or cannot make its data; the message says how to have them."""


class OwnServer:
    """A server that one test has for itself, with the user, password and database of the shared one.

    All but `start` take milliseconds. `start`, `stop` and `restart` block: in a coroutine, give them to a thread.
    The port stays the same, and so does the data, which is as durable as in the shared server.

    Attributes:
        url: where it answers.
        pid: the process to look at, or None when it is down.
    """

    def __init__(self, name: Name, directory: Path, log: Path) -> None:
        """Make it, and do not start it.

        Args:
            name: which server.
            directory: for its data; an unprivileged user must be able to reach it, and it is removed by others.
            log: a file for what it says.

        Raises:
            NoServer: it cannot run here.
        """
        self.name = name
        self._log = log
        self._environment = {**os.environ, f"WFE_{name.upper()}_PORT": str(_free_port(PORTS[name]))}
        made = self._testbed("own", str(directory))
        if made.returncode != 0:
            raise NoServer(f"needs a {name} of its own: {made.stderr.strip()}")
        self.url, *self._command = made.stdout.splitlines()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, *, within: float = 240) -> None:
        """Start it, and wait until it answers; nothing happens when it runs.

        Raises:
            AssertionError: it does not answer within so many seconds; its last words are in the message.
        """
        if self._process is not None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + within
        while self._testbed("status").returncode != 0:
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"{self.name} does not start; its log ends:\n{self._last_words()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it and its children at once (SIGKILL), as when the machine fails; no connection is closed in order."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGSTOP)  # or it could have another child meanwhile
        family = self._family()
        _signal(family, signal.SIGKILL)
        self._process.wait()
        self._process = None
        _await_end(family)

    def stop(self, *, within: float = 120) -> None:
        """End it in an orderly way, as an administrator does; clients are sent away.

        Raises:
            subprocess.TimeoutExpired: it does not end within so many seconds.
        """
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(ORDERLY[self.name])
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None

    def restart(self) -> None:
        """Stop it and start it again: for a moment, connections are refused."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Hold it and its children (SIGSTOP): connections stay open, new ones are made, and nobody answers."""
        _signal(self._family(), signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        _signal(self._family(), signal.SIGCONT)

    def _family(self) -> list[int]:
        """Return the process and its children; PostgreSQL has one for each connection."""
        if self._process is None:
            return []
        pid = self._process.pid
        children = ""
        with suppress(FileNotFoundError, ProcessLookupError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
        return [pid, *map(int, children.split())]

    def _testbed(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [TESTBED, "servers", verb, self.name, *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False, timeout=240
        )

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-20:])


def _signal(pids: list[int], what: signal.Signals) -> None:
    # The parent first: it makes no more children then.
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def _await_end(pids: list[int], *, within: float = 100) -> None:
    """Wait for orphans, whose parent is gone: what they hold, the next server of the same data needs."""
    deadline = time.monotonic() + within
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"one of the processes {pids} outlives a SIGKILL"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _free_port(ports: range) -> int:
    """Return a port that nobody listens on, and that no client is given while the server is down."""
    for _ in ports:
        port = ports[next(_OFFSETS) % len(ports)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port is free from {ports[0]} to {ports[-1]}")


@contextmanager
def own_server(name: Name, log: Path) -> Iterator[OwnServer]:
    """Yield a server that answers; at the end it is killed, and its data removed.

    Raises:
        NoServer: it cannot run here.
    """
    # Not below the directory of the test, which only its user can enter: PostgreSQL refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix=f"wfe-{name}-"))
    try:
        server = OwnServer(name, directory, log)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(directory)
