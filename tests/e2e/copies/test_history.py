"""The history has everything in the end, whatever is killed or emptied under load."""

import asyncio
import urllib.request
from pathlib import Path

import asyncpg
import pytest

from tests.e2e.cluster import Cluster, instance, workflow
from tests.e2e.process import Operator, only_in, running
from tests.integration.own_server import own_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

BEFORE, WHILE_AWAY, AFTER = 25, 10, 5
INNER = {"name": "inner", "type": "workflow", "config": {"workflow": "inner"}}
EACH = {
    "name": "each",
    "for_each": {"items": list(range(10)), "as": "n", "steps": [{"name": "rest", "delay": "150ms"}]},
}


def start(cluster: Cluster, namespace: str, word: str, count: int) -> None:
    cluster.apply(namespace, *(instance(f"{word}-{number}", "outer") for number in range(count)))


def all_ended(cluster: Cluster, namespace: str, word: str, count: int) -> None:
    for number in range(count):
        assert cluster.ended(namespace, f"{word}-{number}")["phase"] == "Complete"


def readiness(operator: Operator) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/readyz", timeout=10) as answer:
        return str(answer.read().decode())


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA wfe_history CASCADE")
    await connection.close()


def test_nothing_is_missing_although_server_and_operator_are_killed_and_the_database_is_emptied(
    cluster: Cluster, tmp_path: Path
) -> None:
    with (
        own_server("postgres", tmp_path / "postgres.log") as server,
        cluster.namespace("history") as namespace,
    ):
        knows = Cluster({**cluster.environment, "WFE_POSTGRES_URL": server.url})
        place = ("--cluster", "-n", namespace)

        def until_alike() -> None:
            cluster.until(
                lambda: knows.wfe("rebuild-mirror", "--check", *place).returncode == 0,
                what=f"the history is not as the cluster; the operator says {operator.last_words()}",
            )

        cluster.apply(
            namespace, workflow("inner", {"name": "rest", "delay": "100ms"}), workflow("outer", INNER, EACH)
        )
        with running(knows, tmp_path, settings=only_in(namespace)) as operator:
            start(cluster, namespace, "before", BEFORE)
            cluster.until(
                lambda: knows.wfe("list", "--history", "-o", "name", *place).stdout, what="nothing arrives"
            )
            server.kill()
            operator.kill()
            # It starts without the server, and no step waits for that.
            operator.start()
            start(cluster, namespace, "away", WHILE_AWAY)
            all_ended(cluster, namespace, "away", WHILE_AWAY)
            all_ended(cluster, namespace, "before", BEFORE)
            cluster.until(
                lambda: readiness(operator).startswith("ok\ncopy `history`: "), what="nobody says it is away"
            )
            server.start()
            until_alike()

            asyncio.run(_empty(server.url))
            start(cluster, namespace, "after", AFTER)
            all_ended(cluster, namespace, "after", AFTER)
            until_alike()
            listed = knows.wfe("list", "--history", "-o", "name", "--limit", "500", *place).stdout.split()
            known = [
                one["metadata"]["name"] for one in cluster.items(namespace, "wfi", fields="spec.parent.id=")
            ]
            assert sorted(listed) == sorted(known)
            assert len(listed) == BEFORE + WHILE_AWAY + AFTER
