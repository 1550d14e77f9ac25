"""The operator as a process of this machine, which a test may kill."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.cluster import ROOT, Cluster

RUNNER_IMAGE = os.environ.get("WFE_RUNNER_IMAGE", "localhost/wfe-runner:testbed")


def only_in(namespace: str) -> dict[str, Any]:
    """Return the settings of an operator that keeps to one namespace, so that tests can run beside each other."""
    return {"namespaces": [namespace], "leaseNamespace": namespace}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Operator:
    """One operator process at a time, restarted at will; its log is one file."""

    cluster: Cluster
    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)
    name: str = "operator"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.log = self.directory / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it says that it is ready."""
        config = self.directory / f"{self.name}.yaml"
        runner = {
            "image": RUNNER_IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "startPatience": "20s",
            "releaseAfter": "2s",
        }
        settings = {"port": self.port, "runner": runner, "leaseNamespace": "default", **self.settings}
        config.write_text(json.dumps(settings))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "wfe.hosts.kubernetes", "run"],
                env={**self.cluster.environment, "WFE_CONFIG_FILE": str(config), **self.environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.cluster.until(self.is_ready, what=f"the operator is not ready; its log is {self.log}")

    def is_ready(self) -> bool:
        assert self.is_alive, f"the operator has ended; its log ends\n{self.last_words()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)

    def last_words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3000:] if self.log.exists() else ""


@contextmanager
def running(cluster: Cluster, directory: Path, **more: Any) -> Iterator[Operator]:
    """Run an operator, and end it whatever happens."""
    made = Operator(cluster, directory, **more)
    made.start()
    try:
        yield made
    finally:
        made.end()
