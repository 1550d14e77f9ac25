"""How far copies are behind is said in words, and only when it is worth a word."""

from datetime import timedelta

import pytest

from wfe.hosts.kubernetes.copies.telling import told
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.runtime.copies.lag import Lag

MINUTE = timedelta(minutes=1)


def a_lag(waiting: int = 0, behind: timedelta = timedelta(), **more: object) -> Lag:
    return Lag(**{"waiting": waiting, "behind": behind, "arrived": 7, **more})  # type: ignore[arg-type]  # of a table


@pytest.mark.parametrize(
    ("lag", "said"),
    [
        pytest.param(a_lag(), [], id="all-is-well"),
        pytest.param(a_lag(900, timedelta(seconds=1)), [], id="a-moment-behind"),
        pytest.param(a_lag(900, MINUTE), ["copy `logs`: 60 s behind, 900 on their way"], id="slow"),
        pytest.param(
            a_lag(900, MINUTE, again=3, trouble="it is full"),
            ["copy `logs`: 60 s behind, 900 on their way, 3 to be read again; it is full"],
            id="in-trouble",
        ),
        pytest.param(a_lag(refused=2), ["copy `logs`: 2 refused for good, see the log"], id="refused"),
    ],
)
def test_what_is_said(lag: Lag, said: list[str]) -> None:
    assert told({"logs": lag}) == said


def test_what_is_measured() -> None:
    metrics = Metrics()
    metrics.copies({"logs": a_lag(5, MINUTE, again=2, refused=1, trouble="away")})
    found = {
        sample.name.removeprefix("wfe_copy_"): sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.labels.get("copy") == "logs"
    }
    assert found == {"lag_seconds": 60, "waiting": 5, "again": 2, "arrived": 7, "refused": 1, "trouble": 1}
