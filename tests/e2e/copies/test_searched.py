"""What steps write is found by its words, each line once, whatever dies while it is written."""

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.e2e.cluster import Cluster, instance, shell, workflow
from tests.e2e.process import only_in, running
from tests.integration.own_server import OwnServer, own_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LINES = 6000
STEPS = ("left", "right")
# Slow enough to be met in the middle.
WRITES = 'for n in $(seq 30); do seq -f "line $n.%g of $WFE_STEP" 200; sleep 0.2; done'


def count_of(server: OwnServer, name: str, **fields: str) -> int:
    """Return how many lines of an instance are there that have these fields; none if nobody can tell now."""
    terms = [{"term": {field: value}} for field, value in {"name": name, **fields}.items()]
    body: dict[str, object] = {"query": {"bool": {"filter": terms}}}
    try:
        return int(ask(server, "wfe-logs-*/_count?ignore_unavailable=true", body)["count"])
    except HTTPError:
        return 0  # it has just started, or makes the index


def lines_of(server: OwnServer, name: str) -> Counter[str]:
    """Return how often each line of an instance is there, as its step and its text."""
    found: Counter[str] = Counter()
    after: list[object] = []
    while True:
        body = {
            "query": {"term": {"name": name}},
            "size": 5000,
            "sort": [{"path": "asc"}, {"start": "asc"}, {"at": "asc"}],
            "_source": ["path", "text"],
            **({"search_after": after} if after else {}),
        }
        page = ask(server, "wfe-logs-*/_search?ignore_unavailable=true", body)["hits"]["hits"]
        found.update(f"{one['_source']['path']}: {one['_source']['text'].rstrip()}" for one in page)
        if not page:
            return found
        after = list(page[-1]["sort"])


def _difference(found: Counter[str], expected: Counter[str]) -> tuple[str, str]:
    """Return in a few words what 12,000 lines have too much, and what they lack."""
    odd = {"too many": found - expected, "missing": expected - found}
    too_many, missing = (
        f"{lines.total()} lines {what}" + "".join(f", {line}" for line in sorted(lines)[:5])
        for what, lines in odd.items()
    )
    return too_many, missing


def ask(server: OwnServer, path: str, body: dict[str, object]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


def test_every_line_is_found_once_although_server_and_operator_are_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    with (
        own_server("opensearch", tmp_path / "opensearch.log") as server,
        cluster.namespace("copies") as namespace,
    ):
        knows = Cluster({**cluster.environment, "WFE_OPENSEARCH_URL": server.url})
        cluster.apply(
            namespace,
            workflow(
                "writer", {"parallel": [shell(step, WRITES) for step in STEPS]}, shell("last", "echo the end")
            ),
        )
        with running(knows, tmp_path, settings=only_in(namespace)) as operator:
            cluster.apply(namespace, instance("one", "writer"))
            name = f"{namespace}/one"
            cluster.until(lambda: count_of(server, name) > 0, what="no line arrives")
            server.kill()
            operator.kill()
            # It starts without the server, and no step waits for that.
            operator.start()
            assert cluster.ended(namespace, "one")["phase"] == "Complete"
            server.start()
            expected = Counter(
                {
                    f"parallel/{step}: line {n}.{m} of parallel/{step}": 1
                    for step in STEPS
                    for n in range(1, 31)
                    for m in range(1, 201)
                }
            )
            expected["last: the end"] = 1
            cluster.until(
                lambda: count_of(server, name, path="last") > 0, what="the last line does not arrive"
            )
            cluster.until(lambda: count_of(server, name) >= expected.total(), what="lines are missing")
            assert _difference(lines_of(server, name), expected) == ("0 lines too many", "0 lines missing")
            # A second after that, the instance is found as ended; its object is not needed any more.
            place = ("--cluster", "-n", namespace)
            cluster.until(
                lambda: "Complete" in knows.wfe("search", "writer", *place).stdout,
                what="its end does not arrive",
            )
            found = knows.wfe("logs", "--search", "LINE 30.200 of", "--step", "left", *place).stdout
            assert found.strip().endswith("one parallel/left | line 30.200 of parallel/left"), found
            cluster.kubectl("delete", "wfi", "-n", namespace, "one")
            printed = knows.wfe("logs", "one", *place).stdout.splitlines()
            steps = (line.split(" ", 1)[1].replace(" | ", ": ", 1) for line in printed)
            assert _difference(Counter(steps), expected) == ("0 lines too many", "0 lines missing")
