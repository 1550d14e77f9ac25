"""The chart as people install it, with the images that the test bed builds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.cluster import Cluster
from tests.unit.chart.helm import CHART, find_helm

IMAGES = {
    "image": {"registry": "localhost", "tag": "testbed"},
    "runner": {"image": {"tag": "testbed"}},
}


@dataclass
class Release:
    """One release, which is installed, upgraded and uninstalled."""

    cluster: Cluster
    name: str
    namespace: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The operator's account, as the API server calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}-operator"

    def helm(self, *arguments: str, values: dict[str, Any] | None = None) -> str:
        """Run Helm for this release's namespace, and return what it printed."""
        command = [find_helm(), *arguments, "--namespace", self.namespace]
        given = None if values is None else json.dumps(values)
        done = self.cluster.run(*command, *(["--values", "-"] if given else []), given=given)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}\n{self.words()}"
        return done.stdout

    def put(self, *, chart: Path = CHART, **more: Any) -> str:
        """Install or upgrade it, and wait until it is ready; return the notes.

        The definitions may be here already, from another test's hands.
        """
        self.values |= more
        return self.helm(
            *("upgrade", "--install", self.name, str(chart), "--wait", "--timeout", "8m", "--take-ownership"),
            values=self.values,
        )

    def renew(self, **more: Any) -> str:
        """Upgrade it to the chart of today with the values that it has, and some more; return the notes."""
        return self.helm(
            *("upgrade", self.name, str(CHART), "--reuse-values", "--wait", "--timeout", "8m"), values=more
        )

    def operators(self) -> list[str]:
        """Return the names of the operator's pods that are not being deleted."""
        pods = self.cluster.items(self.namespace, "pods", labels="app.kubernetes.io/component=operator")
        return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def ask(self, pod: str, path: str) -> str:
        """Return what one of its pods answers by HTTP."""
        place = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:8080/proxy/{path}"
        return self.cluster.kubectl("get", "--raw", place)

    def within(self, *arguments: str) -> str:
        """Run `wfe` in one of the operator's pods, which know all servers; return what it printed."""
        place = ("-n", self.namespace, "exec", f"deploy/{self.name}-operator", "--")
        return self.cluster.kubectl(*place, "wfe", *arguments)

    def remove(self) -> None:
        """Uninstall it, and wait until it is gone."""
        self.helm("uninstall", self.name, "--wait", "--timeout", "8m")

    def is_installed(self) -> bool:
        return self.name in self.helm("list", "--short", "--all").split()

    def leftovers(self) -> list[str]:
        """Return the names of objects of the release that are there, its definitions apart."""
        kinds = (
            "deployments,pods,services,configmaps,secrets,serviceaccounts,jobs,roles,rolebindings,clusterroles,"
            "clusterrolebindings,validatingwebhookconfigurations,validatingadmissionpolicies,"
            "validatingadmissionpolicybindings,poddisruptionbudgets,networkpolicies"
        )
        selector = f"app.kubernetes.io/instance={self.name}"
        return self.cluster.kubectl("get", kinds, "-A", "-l", selector, "-o", "name").split()

    def words(self) -> str:
        """Return the last words of its pods, for the messages of failing tests."""
        options = ("-l", f"app.kubernetes.io/instance={self.name}", "--tail=30", "--prefix")
        state = self.cluster.kubectl("-n", self.namespace, "get", "pods", "-o", "wide", check=False)
        return state + self.cluster.kubectl("-n", self.namespace, "logs", *options, check=False)


@contextmanager
def released(cluster: Cluster, name: str, *, chart: Path = CHART, **values: Any) -> Iterator[Release]:
    """Install a release in a namespace of its own; uninstall it whatever happens."""
    with cluster.namespace(f"{name}-system") as namespace:
        made = Release(cluster, name, namespace, {**IMAGES, **values})
        try:
            made.put(chart=chart)
            yield made
        finally:
            if made.is_installed():
                made.remove()
