"""A secret that steps tell in every way is nowhere in a cluster but in its Secret, nor in what the operator says."""

import asyncio
import json
import re
import urllib.request
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.canary import KEY, LEAKS, NAME, VALUE, found_in, workflows
from tests.e2e.cluster import Cluster, instance, workflow
from tests.e2e.process import Operator, only_in, running
from tests.integration.secrets.stores import of_opensearch, of_postgres, of_valkey
from tests.integration.servers import url_of

pytestmark = pytest.mark.e2e
KINDS = "wfd,wfi,wfev,pods,configmaps,events,controllerrevisions.apps,leases,persistentvolumeclaims"
PASSWORD: Final = "0pensearch-p4ssw0rd"
ALONE = {
    "name": "alone",
    "isolation": "pod",
    "config": {
        "run": 'echo "$TOKEN"; echo "token=$TOKEN" >> "$WFE_OUTPUT"',
        "env": {"TOKEN": {"secret": {"name": NAME, "key": KEY}}},
    },
}
HOLD = {"name": "hold", "wait_for": {"event": "go", "key": "on"}}


def _definitions() -> dict[str, list[dict[str, Any]]]:
    """Return steps by workflow; the first waits at its end, so that its pod can be looked at."""
    found = {one["id"]: one["steps"] for one in json.loads(workflows())["workflows"]}
    return {**found, "tells": [*found["tells"], HOLD], "alone": [ALONE]}


def _unpacked(blob: bytes) -> Iterator[bytes]:
    """Yield a blob as it is, and each compressed stream in it."""
    yield blob
    for at in (found.start() for found in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", blob)):
        try:
            yield zlib.decompressobj().decompress(blob[at:])
        except zlib.error:
            continue


def _objects(cluster: Cluster, namespace: str) -> dict[str, bytes]:
    """Return every object by kind and name, with what is packed in it."""
    listed = json.loads(cluster.kubectl("get", KINDS, "-n", namespace, "-o", "json"))["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": b"\n".join(
            [
                json.dumps(item, ensure_ascii=False).encode(),
                str(item).encode(),
                *(
                    part
                    for blob in item.get("binaryData", {}).values()
                    for part in _unpacked(b64decode(blob))
                ),
            ]
        )
        for item in listed
    }


def test_a_cluster_keeps_it_nowhere(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.kubectl("-n", namespace, "create", "secret", "generic", NAME, f"--from-literal={KEY}={VALUE}")
    definitions = _definitions()
    cluster.apply(namespace, *(workflow(name, *steps) for name, steps in definitions.items()))
    settings = {**only_in(namespace), "log": {"level": "debug"}}
    with (
        of_opensearch(url_of("opensearch")) as search,
        of_postgres(url_of("postgres")) as history,
        of_valkey(url_of("valkey")) as leases,
    ):
        # OpenSearch asks for no password here, so any will do.
        environment = {
            "WFE_OPENSEARCH_URL": search.url.replace("://", f"://us3r:{PASSWORD}@"),
            "WFE_POSTGRES_URL": history.url,
            "WFE_VALKEY_URL": leases.url,
        }
        with running(cluster, tmp_path, settings=settings, environment=environment) as operator:
            cluster.apply(namespace, *(instance(f"{name}-1", name) for name in definitions))
            places = _while_it_runs(cluster, namespace, operator)
            cluster.wfe("publish", "go", "on", "-n", namespace)
            assert cluster.ended(namespace, "tells-1")["phase"] == "Complete"
            places |= _what_wfe_says(cluster, namespace, definitions)
            places |= {f"{name} at its end": data for name, data in _objects(cluster, namespace).items()}
            names = [f"{name}-1".encode() for name in definitions]

            def is_copied() -> bool:
                places.update(
                    {place.name: asyncio.run(place.content()) for place in (search, history, leases)}
                )
                lines, rows = places[search.name], places[history.name]
                return b"TOKEN=" in lines and all(name in lines and name in rows for name in names)

            cluster.until(is_copied, what=f"copies arrive; {operator.last_words()}")
            places["its site"] = _site(operator)
        places["its log"] = operator.log.read_bytes()
    assert {name: found_in(data) for name, data in places.items() if found_in(data)} == {}
    assert [name for name, data in places.items() if PASSWORD.encode() in data] == []
    assert places[leases.name], "the leases are there"
    assert any(b"TOKEN=" in data for name, data in places.items() if "ConfigMap" in name)
    assert b"*" * len(VALUE) in places["wfe logs tells"]


def _while_it_runs(cluster: Cluster, namespace: str, operator: Operator) -> dict[str, bytes]:
    """Wait until all have failed that do, and the other waits with its pod; return what there is then."""
    for name in (*LEAKS, "alone"):
        assert cluster.ended(namespace, f"{name}-1")["phase"] == "Failed", name

    def holds() -> bool:
        return "hold" in json.dumps(cluster.status(namespace, "tells-1").get("running"))

    cluster.until(holds, what=f"tells-1 waits; {operator.last_words()}")
    found = _objects(cluster, namespace)
    for pod in cluster.items(namespace, "pods", labels="wfe.sunbeam.pt/role=runner"):
        name = pod["metadata"]["name"]
        said = cluster.kubectl("-n", namespace, "logs", name, "--all-containers", check=False)
        found[f"kubectl logs {name}"] = said.encode()
    return found


def _what_wfe_says(cluster: Cluster, namespace: str, names: Iterable[str]) -> dict[str, bytes]:
    found = {}
    for name in names:
        for verb, *more in (("logs",), ("show",), ("show", "--output", "json")):
            done = cluster.wfe(verb, f"{name}-1", "-n", namespace, *more)
            found[" ".join(("wfe", verb, name, *more))] = (done.stdout + done.stderr).encode()
    return found


def _site(operator: Operator) -> bytes:
    """Return what the operator tells whoever asks."""
    found = []
    for page in ("metrics", "readyz", "healthz"):
        with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/{page}", timeout=10) as answer:
            found.append(answer.read())
    return b"\n".join(found)
