"""A namespace with an operator, and short words for what tests do there."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.e2e.cluster import Cluster, instance, workflow
from tests.e2e.process import Operator


@dataclass(frozen=True)
class Site:
    """One namespace of a cluster, and the operator that works in it."""

    cluster: Cluster
    operator: Operator
    namespace: str

    def define(self, name: str, *steps: dict[str, Any], **spec: Any) -> None:
        """Apply a Workflow."""
        self.cluster.apply(self.namespace, workflow(name, *steps, **spec))

    def start(self, name: str, of: str | None = None, **spec: Any) -> None:
        """Apply a WorkflowInstance."""
        self.cluster.apply(self.namespace, instance(name, of or name, **spec))

    def publish(self, event: str, key: str, **more: Any) -> None:
        """Apply a WorkflowEvent."""
        body = {
            "apiVersion": "wfe.sunbeam.pt/v1alpha1",
            "kind": "WorkflowEvent",
            "metadata": {"name": f"{event}-{key}"},
            "spec": {"event": event, "key": key, **more},
        }
        self.cluster.apply(self.namespace, body)

    def change(self, name: str, **spec: Any) -> None:
        """Change the spec of an instance."""
        text = json.dumps({"spec": spec})
        self.cluster.kubectl("patch", "-n", self.namespace, "wfi", name, "--type=merge", "-p", text)

    def status(self, name: str) -> dict[str, Any]:
        return self.cluster.status(self.namespace, name)

    def ended(self, name: str) -> dict[str, Any]:
        return self.cluster.ended(self.namespace, name)

    def settled(self, name: str) -> dict[str, Any]:
        """Wait until nothing is left to do for an instance."""
        self.until(lambda: self.status(name).get("active") is False, f"{name} is not settled")
        return self.status(name)

    def until_phase(self, name: str, phase: str) -> dict[str, Any]:
        self.until(lambda: self.status(name).get("phase") == phase, f"{name} is not {phase}")
        return self.status(name)

    def until_reason(self, name: str, reason: str) -> dict[str, Any]:
        self.until(lambda: self.status(name).get("reason") == reason, f"{name} has not reason {reason}")
        return self.status(name)

    def until(self, is_so: Any, what: str) -> None:
        self.cluster.until(is_so, what=f"{what}; the operator says\n{self.operator.last_words()}")

    def pods(self) -> list[str]:
        return [one["metadata"]["name"] for one in self.cluster.items(self.namespace, "pods")]

    def events(self, name: str) -> set[str]:
        """Return the reasons of the Kubernetes Events about an instance."""
        found = self.cluster.items(self.namespace, "events", fields=f"involvedObject.name={name}")
        return {one["reason"] for one in found}

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        address = f"http://127.0.0.1:{self.operator.port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        values = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in values)
