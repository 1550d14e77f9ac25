"""The chart as people install it, with the images that the test bed builds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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

    def put(self, **more: Any) -> str:
        """Install or upgrade it, and wait until it is ready; return the notes.

        The definitions may be here already, from another test's hands.
        """
        self.values |= more
        return self.helm(
            *("upgrade", "--install", self.name, str(CHART), "--wait", "--timeout", "8m", "--take-ownership"),
            values=self.values,
        )

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
def released(cluster: Cluster, name: str, **values: Any) -> Iterator[Release]:
    """Install a release in a namespace of its own; uninstall it whatever happens."""
    with cluster.namespace(f"{name}-system") as namespace:
        made = Release(cluster, name, namespace, {**IMAGES, **values})
        try:
            made.put()
            yield made
        finally:
            if made.is_installed():
                made.remove()
