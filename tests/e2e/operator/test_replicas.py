"""Replicas share the work, and one goes on with what another had that dies, ends, sleeps or believes too much."""

import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.e2e.cluster import Cluster, shell
from tests.e2e.operator.site import Site
from tests.e2e.process import Operator, only_in
from tests.integration.own_server import own_server
from wfe.hosts.kubernetes.shards import SHARDS

pytestmark = pytest.mark.e2e

# Each start of the step adds a line to a file of the workspace: there is one of each attempt, whoever drives it.
COUNTED = shell("count", 'echo start >> starts; sleep 6; echo starts=$(wc -l < starts) >> "$WFE_OUTPUT"')
OUTPUTS = {"starts": "integer"}


STEPS = 40
# Each start of each step adds a line to a file of the workspace, whoever drives it.
LONG = [shell(f"s{number}", f"echo s{number} >> starts; sleep 1") for number in range(STEPS)]
TOLD = shell(
    "tell", 'echo "starts=$(wc -l < starts) steps=$(sort -u starts | wc -l)" | tr " " "\\n" >> "$WFE_OUTPUT"'
)
ONCE = {"starts": str(STEPS), "steps": str(STEPS)}
INSTANCES = [f"i{number}" for number in range(5)]


@pytest.fixture
def replica(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start operators for one namespace, by their names; all of them end with the test."""
    with cluster.namespace("replicas") as namespace:
        sites: list[Site] = []

        def start(name: str, valkey: str = "", **settings: Any) -> Site:
            environment = {"WFE_VALKEY_URL": valkey}
            operator = Operator(cluster, tmp_path, {**only_in(namespace), **settings}, name, environment)
            operator.start()
            sites.append(Site(cluster, operator, namespace))
            return sites[-1]

        try:
            yield start
        finally:
            for site in sites:
                site.operator.send(signal.SIGCONT) if site.operator.is_alive else None
                site.operator.end()


def shares(*sites: Site) -> Callable[[], bool]:
    """Tell whether these share the work, and nobody has all of it but one alone."""

    def is_so() -> bool:
        worked = [site.metric("wfe_shards") for site in sites]
        return sum(worked) == SHARDS and min(worked) > 0

    return is_so


def members(site: Site) -> list[str]:
    """Return who holds a slot among the leases of the API server."""
    leases = site.cluster.items(site.namespace, "leases")
    slots = [one for one in leases if one["metadata"]["annotations"]["wfe.sunbeam.pt/key"][-1].isdigit()]
    return [one["spec"]["holderIdentity"] for one in slots if one["spec"].get("holderIdentity")]


def begin(site: Site, *, steps: int = STEPS) -> None:
    site.define("long", *LONG[:steps], TOLD, outputs={"starts": "integer", "steps": "integer"})
    for name in INSTANCES:
        site.start(name, "long")


def test_whoever_joins_sleeps_dies_or_leaves_no_step_runs_twice_and_none_is_left_out(
    replica: Callable[..., Site],
) -> None:
    first, second = replica("first"), replica("second")
    begin(first)
    first.until(shares(first, second), "they do not share the work")
    third = replica("third")
    first.until(shares(first, second, third), "the third one gets nothing")
    second.operator.send(signal.SIGSTOP)
    first.until(shares(first, third), "nobody follows the sleeper")
    second.operator.send(signal.SIGCONT)
    first.until(shares(first, second, third), "the sleeper gets nothing again")
    third.operator.kill()
    first.until(shares(first, second), "nobody follows the dead")
    first.operator.end()
    second.until(shares(second), "nobody follows the leaver")
    for name in INSTANCES:
        status = second.ended(name)
        assert (status["phase"], status.get("outputs")) == ("Complete", ONCE), status.get("message")


def test_with_a_valkey_that_is_emptied_dies_and_comes_back_no_step_runs_twice(
    replica: Callable[..., Site], tmp_path: Path
) -> None:
    with own_server("valkey", tmp_path / "valkey.log") as server:
        server.start()
        first, second = (replica(name, server.url) for name in ("first", "second"))
        begin(first)
        first.until(shares(first, second), "they do not share the work")
        assert not members(first)
        with redis.Redis.from_url(server.url) as client:
            client.flushall()
        first.until(lambda: not shares(first, second)(), "they go by leases that are gone")
        first.until(shares(first, second), "they do not share the work again")
        server.pause()
        first.until(lambda: len(members(first)) == 2, "they wait for a Valkey that does not answer")
        first.until(shares(first, second), "they do not share the work without Valkey")
        server.resume()
        first.until(lambda: not members(first), "they do not go by Valkey again")
        first.until(shares(first, second), "they do not share the work by Valkey")
        for name in INSTANCES:
            status = second.ended(name)
            assert (status["phase"], status.get("outputs")) == ("Complete", ONCE), status.get("message")


def test_when_two_believe_to_work_everything_no_step_runs_twice(replica: Callable[..., Site]) -> None:
    first, second = replica("first"), replica("second", leaseNamespace="default")
    begin(first, steps=8)
    assert (shares(first)(), shares(second)()) == (True, True)
    for name in INSTANCES:
        status = second.ended(name)
        assert (status["phase"], status.get("outputs")) == ("Complete", {"starts": "8", "steps": "8"}), status


def _running(site: Site, name: str) -> None:
    site.define("counted", COUNTED, outputs=OUTPUTS)
    site.start(name, "counted")
    site.until(lambda: site.status(name).get("step") == "count" and site.pods(), "it does not run")


def test_a_replica_that_is_started_anew_goes_on_at_once(site: Site) -> None:
    _running(site, "again")
    site.operator.kill()
    site.operator.start()
    status = site.ended("again")
    assert (status["phase"], status["outputs"]["starts"]) == ("Complete", "1"), status.get("message")


def test_probes_and_metrics_answer(site: Site) -> None:
    for path in ("healthz", "readyz"):
        with urllib.request.urlopen(f"http://127.0.0.1:{site.operator.port}/{path}", timeout=10) as answer:
            assert answer.read() == b"ok"
    assert site.metric("wfe_api_requests_total") > 0
