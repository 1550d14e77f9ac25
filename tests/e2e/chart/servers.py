"""Servers as people have them: reached by pods, over TLS of an authority of their own, their URLs in a Secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.chart.pods import pod
from tests.e2e.cluster import Cluster
from tests.e2e.way_in import address_of, way_in
from tests.integration.secrets.stores import Place, of_opensearch, of_valkey
from tests.integration.servers import url_of
from tests.unit.kube.certificates import made_in

SECRET, AUTHORITY = "servers", "ca.crt"
PASSWORD = "pr1vate-of-the-hist0ry"
_POSTGRES = 5432


@dataclass(frozen=True)
class Servers:
    """Three servers, of which PostgreSQL has another password than its URL says.

    Attributes:
        cluster: where they are reached.
        namespace: where PostgreSQL, its Service and the Secret are.
        search: what OpenSearch has.
    """

    cluster: Cluster
    namespace: str
    search: Place

    @property
    def values(self) -> dict[str, Any]:
        """Return the chart's values that name them."""
        trusted = {"ca": {"existingSecret": {"name": SECRET, "key": AUTHORITY}}}
        return {
            name: {"existingSecret": {"name": SECRET, "key": name}, "tls": trusted}
            for name in ("postgres", "opensearch", "valkey")
        }

    def agree_on_the_password(self) -> None:
        """Have PostgreSQL take the password that its URL has."""
        say = f"ALTER ROLE wfe PASSWORD '{PASSWORD}'"
        self.cluster.kubectl(
            *("-n", self.namespace, "exec", "postgres", "--", "psql", "-h", "/tmp", "-U", "wfe", "-c", say)
        )


@contextmanager
def servers(cluster: Cluster, namespace: str, directory: Path) -> Iterator[Servers]:
    """Start a PostgreSQL in a namespace and do not wait for it; make ways to the others, and a Secret of URLs."""
    port = {"name": "postgres", "port": _POSTGRES}
    service = {"selector": {"app": "postgres"}, "ports": [port]}
    cluster.apply(
        namespace,
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "postgres"}, "spec": service},
    )
    # There is no DNS in the test bed.
    host = cluster.get(namespace, "services", "postgres")["spec"]["clusterIP"]
    certified = made_in(directory, "servers", of=f"IP:{host},IP:{address_of(cluster)}")
    with (
        of_opensearch(url_of("opensearch")) as search,
        of_valkey(url_of("valkey")) as leases,
        way_in(cluster, search.url, certified) as search_url,
        way_in(cluster, leases.url, certified) as leases_url,
    ):
        urls = {
            "postgres": f"postgres://wfe:{PASSWORD}@{host}:{_POSTGRES}/wfe",
            "opensearch": search_url,
            "valkey": leases_url,
        }
        given = {**urls, AUTHORITY: certified[0].read_text(), "tls.key": certified[1].read_text()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": given}
        cluster.apply(namespace, secret, _postgres())
        yield Servers(cluster, namespace, search)


def _postgres() -> dict[str, Any]:
    """Return a pod with a PostgreSQL that speaks TLS."""
    made = pod("postgres")
    made["metadata"]["labels"] = {"app": "postgres"}
    spec = made["spec"]
    # The owner of the files is root, and a key of root may be read by its group.
    spec["securityContext"] |= {"runAsUser": 999, "fsGroup": 999}
    spec["volumes"] = [{"name": "tls", "secret": {"secretName": SECRET, "defaultMode": 0o440}}]
    options = {"ssl": "on", "ssl_cert_file": f"/tls/{AUTHORITY}", "ssl_key_file": "/tls/tls.key"}
    (container,) = spec["containers"]
    del container["command"]
    container |= {
        "image": "localhost/postgres:testbed",
        "args": ["postgres", *(word for key, value in options.items() for word in ("-c", f"{key}={value}"))],
        "env": [
            {"name": "POSTGRES_USER", "value": "wfe"},
            {"name": "POSTGRES_PASSWORD", "value": "another"},
        ],
        "volumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": True}],
    }
    return made
