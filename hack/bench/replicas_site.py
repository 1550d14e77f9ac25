"""Replicas of the operator as processes of this machine, for `hack/bench/replicas`."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster_site import Site
from quota import Quota

SHARDS: Final = 256


@dataclass
class Replica:
    """One of them; it works in one namespace, which is why its leases are there, too."""

    site: Site
    namespace: str
    name: str
    processors: float | None = None

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = self.site.scratch / f"{self.name}.log"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it for as long as the block lasts, under its quota if it has one."""
        quota = (
            None
            if self.processors is None
            else Quota(f"wfe-bench-{os.getpid()}-{self.name}", self.processors)
        )
        try:
            self.start()
            if quota is not None:
                quota.take(self.process.pid)
            yield
        finally:
            self.end(signal.SIGTERM)
            if quota is not None:
                quota.remove()

    def start(self) -> None:
        """Start it, or start it anew."""
        config = self.site.scratch / f"{self.name}.json"
        settings = {
            "port": self.port,
            "identity": self.name,
            "namespaces": [self.namespace],
            "leaseNamespace": self.namespace,
            "runner": {"image": self.site.options.image, "imagePullPolicy": "IfNotPresent"},
        }
        config.write_text(json.dumps(settings))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wfe.hosts.kubernetes", "run"],
                env={**os.environ, "WFE_CONFIG_FILE": str(config)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def processor_seconds(self) -> float:
        """How long it has had a processor since it was started."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, how: signal.Signals) -> None:
        """End it."""
        self.process.send_signal(how)
        self.process.wait()

    async def shards(self) -> int:
        """Return how many shards it works; none while it does not answer."""
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name} ended by itself:\n{self.log.read_text()[-2000:]}")
        try:
            text = await asyncio.to_thread(self._metrics)
        except OSError:
            return 0
        return sum(
            int(float(line.split()[1])) for line in text.splitlines() if line.startswith("wfe_shards ")
        )

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())


async def shared(replicas: Sequence[Replica]) -> float:
    """Wait until these work everything, and each of them something; return how long that took, in seconds."""
    began = time.monotonic()
    while True:
        worked = await asyncio.gather(*(replica.shards() for replica in replicas))
        if sum(worked) == SHARDS and all(worked):
            return time.monotonic() - began
        await asyncio.sleep(0.05)


@asynccontextmanager
async def replicas(
    site: Site, namespace: str, count: int, processors: float | None = None
) -> AsyncIterator[Sequence[Replica]]:
    """Give so many replicas that share the work of a namespace."""
    found = [Replica(site, namespace, f"{namespace}-{number}", processors) for number in range(count)]
    async with AsyncExitStack() as running:
        for replica in found:
            running.enter_context(replica.running())
        await shared(found)
        yield found
