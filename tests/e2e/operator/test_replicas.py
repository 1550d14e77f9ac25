"""Replicas: one works, the other follows when it dies, is told to end, or sleeps."""

import signal
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster, shell
from tests.e2e.operator.site import Site
from tests.e2e.process import Operator, only_in

pytestmark = pytest.mark.e2e

# Each start of the step adds a line to a file of the workspace: there is one of each attempt, whoever drives it.
COUNTED = shell("count", 'echo start >> starts; sleep 6; echo starts=$(wc -l < starts) >> "$WFE_OUTPUT"')
OUTPUTS = {"starts": "integer"}


@pytest.fixture
def replicas(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """Two operators for one namespace; the first one leads."""
    with cluster.namespace("replicas") as namespace:
        sites = []
        for name in ("first", "second"):
            operator = Operator(cluster, tmp_path_factory.mktemp(name), only_in(namespace), name)
            operator.start()
            sites.append(Site(cluster, operator, namespace))
            cluster.until(lambda: sites[0].metric("wfe_leading") == 1, what="the first one does not lead")
        try:
            yield sites[0], sites[1]
        finally:
            for site in sites:
                site.operator.send(signal.SIGCONT) if site.operator.is_alive else None
                site.operator.end()


def _running(site: Site, name: str) -> None:
    site.define("counted", COUNTED, outputs=OUTPUTS)
    site.start(name, "counted")
    site.until(lambda: site.status(name).get("step") == "count" and site.pods(), "it does not run")


@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGKILL, id="killed"), pytest.param(signal.SIGTERM, id="told-to-end")]
)
def test_the_second_goes_on_when_the_first_ends(replicas: tuple[Site, Site], how: signal.Signals) -> None:
    first, second = replicas
    assert second.metric("wfe_leading") == 0
    _running(first, "i")
    first.operator.end(how)
    status = second.ended("i")
    assert (status["phase"], status["outputs"]["starts"]) == ("Complete", "1"), status.get("message")
    assert second.metric("wfe_leading") == 1


def test_a_sleeper_finds_that_another_works_and_stands_by(replicas: tuple[Site, Site]) -> None:
    first, second = replicas
    _running(first, "i")
    first.operator.send(signal.SIGSTOP)
    second.until(lambda: second.metric("wfe_leading") == 1, "the second one does not follow")
    first.operator.send(signal.SIGCONT)
    first.until(lambda: first.metric("wfe_leading") == 0, "the first one does not step back")
    status = second.ended("i")
    assert (status["phase"], status["outputs"]["starts"]) == ("Complete", "1"), status.get("message")


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
