"""Large instances: their status stays small, and their history is told whole without any database."""

import json
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, instance, workflow
from tests.e2e.process import Operator

pytestmark = pytest.mark.e2e
KIB = 1024


def shown(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    found = cluster.wfe("show", "--cluster", "-n", namespace, name, "--output", "json")
    assert found.returncode == 0, found
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def test_a_loop_over_ten_thousand_items_completes_and_is_told_whole(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    count = 10_000
    loop = {
        "name": "each",
        "for_each": {"items": list(range(count)), "steps": [{"name": "d", "delay": "1ms"}]},
    }
    cluster.apply(namespace, workflow("loop", loop), instance("i", "loop"))
    status = cluster.ended(namespace, "i")
    assert status["phase"] == "Complete", status
    assert len(json.dumps(status)) < 20 * KIB
    steps = [step for step in shown(cluster, namespace, "i")["steps"] if step["path"].endswith("/d")]
    assert len(steps) == count
    assert {step["status"] for step in steps} == {"Complete"}


def test_a_sequence_of_three_thousand_steps_completes_and_is_told_whole(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    count = 3_000
    steps = [{"name": f"s{number}", "delay": "1ms"} for number in range(count)]
    cluster.apply(namespace, workflow("long", *steps), instance("i", "long"))
    sizes: list[int] = []

    def ended() -> bool:
        status = cluster.status(namespace, "i")
        sizes.append(len(json.dumps(status)))
        return status.get("phase") in {"Complete", "Failed"}

    cluster.until(ended, what="it does not end")
    assert cluster.status(namespace, "i")["phase"] == "Complete"
    assert max(sizes) < 20 * KIB
    assert len(shown(cluster, namespace, "i")["steps"]) == count
