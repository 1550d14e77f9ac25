"""Where `hack/bench/cluster` measures: the cluster, an operator of this tree as a process, namespaces to work in."""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from wfe.kube import Client, Informer, Resource, find_access
from wfe.kube.metadata import MetadataOnly
from wfe.kube.resource import NAMESPACES

GROUP: Final = "wfe.sunbeam.pt"
WORKFLOWS: Final = Resource(GROUP, "v1alpha1", "workflows", "Workflow")
INSTANCES: Final = Resource(GROUP, "v1alpha1", "workflowinstances", "WorkflowInstance")
DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"
)
CRDS: Final = Path(__file__).resolve().parents[2] / "crds"
OPERATOR_PORT: Final = 18080
Step = dict[str, Any]


@dataclass
class Operator:
    """The operator as a process of this machine."""

    process: subprocess.Popen[bytes]
    config: Path

    @property
    def megabytes(self) -> float:
        """What it holds in memory, in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def ready(self) -> float:
        """Wait until it says that it is; return how long that took, in seconds."""
        began = time.monotonic()
        while True:
            if self.process.poll() is not None:
                raise SystemExit(
                    f"the operator ended with {self.process.returncode}; its log: {self.config}.log"
                )
            ask = await asyncio.create_subprocess_exec(
                "curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{OPERATOR_PORT}/readyz"
            )
            if await ask.wait() == 0:
                return time.monotonic() - began
            await asyncio.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        self.process.send_signal(how)
        self.process.wait()


@dataclass
class Site:
    """The cluster, a client, the operator."""

    options: argparse.Namespace
    client: Client
    scratch: Path
    operator: Operator | None = None
    made: Counter[str] = field(default_factory=Counter)

    @classmethod
    @asynccontextmanager
    async def opened(cls, options: argparse.Namespace) -> AsyncIterator["Site"]:
        """Give a cluster with an operator."""
        async with cls.connected(options) as site:
            operator = site.start_operator()
            try:
                await operator.ready()
                yield site
            finally:
                if site.operator is not None and site.operator.process.poll() is None:
                    site.operator.stop()

    @classmethod
    @asynccontextmanager
    async def connected(cls, options: argparse.Namespace) -> AsyncIterator["Site"]:
        """Give a cluster that knows our resources, and nobody who works on them."""
        client = Client(find_access(), user_agent="wfe-bench")
        await client.open()
        try:
            for definition in map(yaml.safe_load, map(Path.read_text, CRDS.glob("*.yaml"))):
                await client.patch(
                    DEFINITIONS, definition["metadata"]["name"], None, definition, kind="apply", force=True
                )
            with tempfile.TemporaryDirectory() as scratch:
                yield cls(options, client, Path(scratch))
        finally:
            await client.close()

    def start_operator(self) -> Operator:
        """Start the operator, or another one after a kill."""
        config = self.scratch / "config.yaml"
        config.write_text(
            json.dumps(
                {
                    "port": OPERATOR_PORT,
                    "runner": {"image": self.options.image, "imagePullPolicy": "IfNotPresent"},
                    "leaseNamespace": "kube-public",
                }
            )
        )
        with Path(f"{config}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "wfe.hosts.kubernetes", "run"],
                env={**os.environ, "WFE_CONFIG_FILE": str(config)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.operator = Operator(process, config)
        return self.operator

    @asynccontextmanager
    async def namespace(self, part: str) -> AsyncIterator[str]:
        """Make a namespace for a part, and remove it without waiting."""
        name = f"bench-{part}-{os.getpid()}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        await self.client.create(NAMESPACES, {"metadata": {"name": name, "labels": labels}})
        try:
            yield name
        finally:
            await self.client.delete(NAMESPACES, name)

    async def define(self, namespace: str, name: str, steps: Iterable[Step], **more: Any) -> None:
        """Apply a workflow and wait until it is accepted."""
        body = {
            "apiVersion": WORKFLOWS.api_version,
            "kind": WORKFLOWS.kind,
            "metadata": {"name": name},
            "spec": {"version": 1, "steps": list(steps), **more},
        }
        await self.client.create(WORKFLOWS, body, namespace)

    async def begin(self, namespace: str, workflow: str, name: str, **spec: Any) -> None:
        """Create an instance."""
        body = {
            "apiVersion": INSTANCES.api_version,
            "kind": INSTANCES.kind,
            "metadata": {"name": name},
            "spec": {"workflowRef": {"name": workflow}, **spec},
        }
        await self.client.create(INSTANCES, body, namespace)

    async def ended(self, namespace: str, name: str) -> dict[str, Any]:
        """Return an instance once it has ended."""
        while True:
            found = await self.client.get(INSTANCES, name, namespace)
            status = found.get("status", {})
            if status.get("phase") in {"Complete", "Failed", "Terminated"}:
                if status["phase"] != "Complete":
                    raise SystemExit(f"{namespace}/{name} is {status['phase']}: {status.get('message')}")
                return found
            await asyncio.sleep(0.05)

    async def all_ended(self, namespace: str, count: int) -> None:
        """Wait until so many instances of a namespace are Complete. A watch: to ask again and again is work."""
        enough = asyncio.Event()
        seen = Informer(
            self.client, INSTANCES, MetadataOnly, namespaces=[namespace], fields="status.phase=Complete"
        )

        def count_them(*_: object) -> None:
            if sum(1 for _ in seen.values()) >= count:
                enough.set()

        seen.listen(count_them)
        watching = asyncio.create_task(seen.run())
        await enough.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    async def writes(self) -> Counter[str]:
        """Return how many writes the API server has answered, by verb and resource."""
        text = (await self.client.raw("/metrics", accept="text/plain")).decode()
        counts: Counter[str] = Counter()
        for line in text.splitlines():
            if line.startswith("apiserver_request_total{"):
                label = dict(re.findall(r'(\w+)="([^"]*)"', line))
                if label["verb"] in {"POST", "PUT", "PATCH", "APPLY", "DELETE"}:
                    where = "/".join(filter(None, (label["resource"], label.get("subresource"))))
                    counts[f"{label['verb']} {where}"] += int(float(line.rpartition(" ")[2]))
        return counts
