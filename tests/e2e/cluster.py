"""The cluster of KUBECONFIG, as people use it: `kubectl`, `wfe`, a namespace for each test."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.e2e.connection import Connection

ROOT = Path(__file__).resolve().parents[2]
WFE = str(Path(sys.executable).parent / "wfe")
# Only a broken run takes that long; a machine that is busy with something else is no reason to fail.
PATIENCE_SECONDS = 240
_numbers = count()


@dataclass(frozen=True)
class Cluster:
    """Runs commands against it."""

    environment: dict[str, str] = field(default_factory=lambda: {**os.environ, "NO_COLOR": "1"})
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "connection", Connection(self.environment))

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """Run `kubectl`; return what it printed."""
        done = self.run("kubectl", *arguments, given=given)
        assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout if check else done.stdout + done.stderr

    def wfe(self, *arguments: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run `wfe`."""
        return self.run(WFE, *arguments, given=given)

    def run(self, *command: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    @contextmanager
    def namespace(self, name: str = "e2e") -> Iterator[str]:
        """Make a namespace in which pods are restricted; it is deleted afterwards, without waiting."""
        unique = f"{name}-{os.getpid()}-{next(_numbers)}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.connection.create("", "namespaces", {"metadata": {"name": unique, "labels": labels}})
        try:
            # Until then pods may be refused.
            self.until(lambda: self.get(unique, "serviceaccounts", "default"), what="no account for pods")
            yield unique
        finally:
            self.connection.delete("", "namespaces", unique)

    def apply(self, namespace: str, *objects: dict[str, Any]) -> str:
        """Apply objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self.kubectl("apply", "-n", namespace, "-f", "-", given=json.dumps(listed))

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any]:
        """Return an object; {} if there is none."""
        return self.connection.get(namespace, kind, name)

    def items(self, namespace: str, kind: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind that both selectors choose."""
        return self.connection.items(namespace, kind, labels=labels, fields=fields)

    def status(self, namespace: str, name: str) -> dict[str, Any]:
        """Return the status of an instance."""
        found: dict[str, Any] = self.get(namespace, "wfi", name).get("status", {})
        return found

    def ended(self, namespace: str, name: str, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait until an instance has ended, and return its status."""
        self.until(lambda: _is_final(self.status(namespace, name)), within, f"{name} does not end")
        return self.status(namespace, name)

    def until(self, is_so: Callable[[], object], within: float = PATIENCE_SECONDS, what: str = "") -> None:
        """Wait until something is so. The limit only keeps a broken run from hanging."""
        late = time.monotonic() + within
        while not is_so():
            assert time.monotonic() < late, f"not within {within:.0f} s: {what}"
            time.sleep(0.1)


def _is_final(status: dict[str, Any]) -> bool:
    return status.get("phase") in {"Complete", "Failed", "Terminated"}


def workflow(name: str, *steps: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a Workflow object."""
    return {
        "apiVersion": "wfe.sunbeam.pt/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"version": 1, "steps": list(steps), **spec},
    }


def instance(name: str, of: str, **spec: Any) -> dict[str, Any]:
    """Return a WorkflowInstance object."""
    return {
        "apiVersion": "wfe.sunbeam.pt/v1alpha1",
        "kind": "WorkflowInstance",
        "metadata": {"name": name},
        "spec": {"workflowRef": {"name": of}, **spec},
    }


def shell(name: str, run: str, **more: Any) -> dict[str, Any]:
    """Return a shell step."""
    config = {key: more.pop(key) for key in ("image", "timeout", "grace", "memory", "env") if key in more}
    return {"name": name, "config": {"run": run, **config}, **more}
