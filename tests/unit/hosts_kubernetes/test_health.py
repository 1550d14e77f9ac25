"""What the probes of the pod answer, and the site that serves them."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.unit.runtime.site import virtually
from tests.unit.test_house import ROOT
from wfe.hosts.kubernetes.health import Health, Lag
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.site import site


@dataclass
class FakeWatch:
    """A watch as a test says it is."""

    age: float = 0.0
    is_synced: bool = True
    synced: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.is_synced:
            self.synced.set()


class FakeLag(Lag):
    def __init__(self, most: float = 0.0) -> None:
        super().__init__()
        self._most = most

    @property
    def most(self) -> float:
        return self._most


@pytest.mark.parametrize(
    ("watch", "lag", "live", "ready"),
    [
        pytest.param(FakeWatch(), 0, "", "", id="well"),
        pytest.param(FakeWatch(is_synced=False), 0, "", "pods are not listed yet", id="not-listed-yet"),
        pytest.param(FakeWatch(age=400), 0, "no word of pods for 400 s", "", id="a-silent-watch"),
        pytest.param(FakeWatch(), 25, "the event loop was 25 s late", "", id="a-loop-that-does-not-turn"),
    ],
)
def test_the_probes_say_what_is_wrong(watch: FakeWatch, lag: float, live: str, ready: str) -> None:
    health = Health({"pods": watch}, FakeLag(lag))
    assert ("\n".join(health.live()), "\n".join(health.ready())) == (live, ready)


@virtually
async def test_the_lag_of_a_minute_is_remembered() -> None:
    lag = Lag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(100)
    assert lag.most < 0.01
    lag._late.append((asyncio.get_running_loop().time(), 7.0))
    await asyncio.sleep(30)
    assert lag.most == 7.0
    await asyncio.sleep(40)
    assert lag.most < 0.01
    task.cancel()


async def test_the_site_serves_probes_and_metrics() -> None:
    metrics = Metrics()
    metrics.observe("patch", "workflowinstances", 409, 0.1)
    metrics.observe("patch", "workflowinstances", 0, 0.1)
    async with (
        site(0, live=lambda: ["ill"], ready=list, metrics=metrics.text) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        found = {}
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(path) as answer:
                found[path] = (answer.status, await answer.text())
    assert found["/healthz"] == (503, "ill")
    assert found["/readyz"] == (200, "ok")
    assert 'wfe_status_writes_total{result="conflict"} 1.0' in found["/metrics"][1]
    assert 'wfe_status_writes_total{result="failed"} 1.0' in found["/metrics"][1]


def test_every_metric_is_in_the_document() -> None:
    document = (ROOT / "docs" / "metrics.md").read_text()
    kinds = {"counter": "_total"}
    for metric in Metrics().registry.collect():
        assert f"`{metric.name}{kinds.get(metric.type, '')}`" in document
