"""An operator that dies, sleeps or is misled runs nothing twice and loses nothing."""

import json
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chaos.counted import counted, lines, ran, until_it_writes
from tests.e2e.cluster import Cluster, instance, shell, workflow
from tests.e2e.process import Operator, running

pytestmark = pytest.mark.e2e
KILLS = 20


def test_an_operator_killed_at_random_moments_starts_no_step_twice(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    steps, instances = 40, 4
    cluster.apply(namespace, counted("counted", steps))
    cluster.apply(namespace, *(instance(f"c{number}", "counted") for number in range(instances)))
    moments = random.Random(4)  # noqa: S311  # moments are no secret
    for _ in range(KILLS):
        cluster.run("sleep", str(0.3 + moments.random()))
        operator.kill()
        operator.start(wait=False)
    for number in range(instances):
        status = cluster.ended(namespace, f"c{number}")
        assert status["phase"] == "Complete", status
        assert ran(status) == Counter({f"s{step}": 1 for step in range(steps)})
        log = cluster.wfe("logs", "--cluster", "-n", namespace, f"c{number}").stdout
        assert lines(log) == [f"line of s{step}" for step in range(steps)]


def test_an_operator_killed_at_random_moments_loses_no_line(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    steps = 20
    cluster.apply(namespace, counted("counted", steps), instance("i", "counted"))
    for _ in range(4):
        cluster.run("sleep", "1")
        operator.kill()
        operator.start(wait=False)
    assert cluster.ended(namespace, "i")["phase"] == "Complete"
    log = cluster.wfe("logs", "--cluster", "-n", namespace, "i").stdout
    assert lines(log) == [f"line of s{step}" for step in range(steps)]


def test_a_killed_operator_loses_no_line_of_children_and_of_pods_of_their_own(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    noting = [shell(f"s{number}", 'echo "line of $WFE_STEP"; sleep 0.3') for number in range(6)]
    alone = [shell(f"p{number}", 'echo "line of $WFE_STEP"', isolation="pod") for number in range(3)]
    child = {"name": "child", "type": "workflow", "config": {"workflow": "inner"}}
    cluster.apply(namespace, workflow("inner", *noting), workflow("outer", *alone, child))
    cluster.apply(namespace, instance("i", "outer"))
    moments = random.Random(7)  # noqa: S311  # moments are no secret
    for _ in range(6):
        cluster.run("sleep", str(1 + moments.random()))
        operator.kill()
        operator.start(wait=False)
    assert cluster.ended(namespace, "i")["phase"] == "Complete"
    log = cluster.wfe("logs", "--cluster", "-n", namespace, "i").stdout
    steps = [*(f"p{number}" for number in range(3)), *(f"s{number}" for number in range(6))]
    assert lines(log) == [f"line of {step}" for step in steps]


def test_a_paused_operator_that_comes_back_does_no_harm_beside_the_one_that_took_over(
    cluster: Cluster, operator: Operator, namespace: str, tmp_path: Path
) -> None:
    cluster.apply(namespace, counted("counted", 60), instance("i", "counted"))
    until_it_writes(cluster, namespace, "line of s0")
    operator.send(signal.SIGSTOP)
    try:
        with running(cluster, tmp_path, settings=operator.settings, name="second"):
            before = cluster.status(namespace, "i")["progress"]
            cluster.until(
                lambda: cluster.status(namespace, "i")["progress"] != before, what="nobody takes over"
            )
            operator.send(signal.SIGCONT)
            status = cluster.ended(namespace, "i")
    finally:
        operator.send(signal.SIGCONT)
    assert status["phase"] == "Complete", status
    assert set(ran(status).values()) == {1}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            {"engine": {"head": "nonsense", "revision": 3}, "active": True, "phase": "Running"}, id="no-json"
        ),
        pytest.param(
            {"engine": {"head": '{"form":99}', "revision": 1}, "active": True}, id="of-a-later-version"
        ),
        pytest.param({"active": True, "phase": "Running"}, id="no-engine"),
    ],
)
def test_an_object_edited_by_hand_stops_no_other(
    cluster: Cluster, operator: Operator, namespace: str, broken: dict[str, Any]
) -> None:
    cluster.apply(
        namespace, workflow("waits", {"name": "w", "wait_for": {"event": "go"}}), instance("bad", "waits")
    )
    cluster.until(lambda: cluster.status(namespace, "bad").get("phase") == "Running")
    patch = json.dumps({"status": broken})
    cluster.kubectl(
        "patch", "-n", namespace, "wfi", "bad", "--subresource=status", "--type=merge", "-p", patch
    )
    operator.kill()
    operator.start()
    cluster.apply(namespace, workflow("fine", shell("one", "true")), instance("good", "fine"))
    assert cluster.ended(namespace, "good")["phase"] == "Complete"
    assert operator.is_alive
