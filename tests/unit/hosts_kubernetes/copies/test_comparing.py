"""The history of a cluster: after every mishap, a full comparison with the objects finds nothing."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.unit.hosts_kubernetes.copies.mirrors import Mirror
from tests.unit.hosts_kubernetes.world import NAMESPACE, Cluster, a_cluster
from wfe.hosts.kubernetes.clocks import ServerClock
from wfe.hosts.kubernetes.copies.comparing import Wholes
from wfe.hosts.kubernetes.copies.history import History
from wfe.ports.mirror import MirrorQuery
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS, CustomResourceStore


def with_history(cluster: Cluster, mirror: Mirror, *, keep: timedelta | None = None) -> History:
    """Give the cluster's next term a history."""
    clock = ServerClock(cluster.client.now)
    cluster.history = History(mirror, Wholes(cluster.client), clock, keep=keep)
    return cluster.history


async def differences(cluster: Cluster, mirror: Mirror) -> list[str]:
    """Compare every object, and every visit that has ended, with what the mirror has."""
    wrong = []
    async for body in cluster.client.list(INSTANCES, NAMESPACE):
        name = body["metadata"]["name"]
        found = await CustomResourceStore(cluster.client, NAMESPACE).whole(name)
        if found is None:
            continue
        instance, records = found
        kept = (await mirror.revisions([instance.id])).get(instance.id)
        if kept != instance.revision:
            wrong.append(f"{name}: {kept} instead of {instance.revision}")
        if list(await mirror.steps(instance.id)) != list(records):
            wrong.append(f"{name}: other steps")
    return wrong


async def until_alike(cluster: Cluster, mirror: Mirror) -> None:
    """Wait until nothing differs; the test's own limit ends what never is."""
    while await differences(cluster, mirror):  # noqa: ASYNC110 - the mirror tells nobody
        await asyncio.sleep(0.01)


def condition(status: dict[str, Any], kind: str) -> str | None:
    return next((one["status"] for one in status["conditions"] if one["type"] == kind), None)


async def test_what_runs_ends_and_has_children_is_in_the_history() -> None:
    async with a_cluster() as cluster:
        mirror = Mirror()
        with_history(cluster, mirror)
        await cluster.define("inner", "a", "b")
        body = {"steps": [{"name": "call", "type": "workflow", "config": {"workflow": "inner"}}]}
        await cluster.define("outer", **body)
        async with cluster.leading():
            await cluster.start("one", "outer")
            status = await cluster.settled("one")
            await until_alike(cluster, mirror)
            assert condition(status, "Mirrored") == "True"
            found = (await mirror.list(MirrorQuery())).found
            assert sorted(one.instance.workflow.id for one in found) == ["inner", "outer"]
            assert {one.namespace for one in found} == {NAMESPACE}


async def test_what_ended_and_what_waits_is_found_by_the_next_process_and_after_the_database_is_emptied() -> (
    None
):
    async with a_cluster() as cluster:
        await cluster.define("quick", "a", "b")
        await cluster.define("slowly", "a", "slow")
        async with cluster.leading():
            await cluster.start("ended", "quick")
            await cluster.start("waits", "slowly")
            await cluster.settled("ended")
            await cluster.until("waits", lambda status: status.get("step") == "slow")
        mirror = Mirror()
        with_history(cluster, mirror)
        async with cluster.leading():
            await until_alike(cluster, mirror)
        mirror.empty()
        with_history(cluster, mirror)
        async with cluster.leading():
            await until_alike(cluster, mirror)


async def test_what_was_published_is_in_the_history_and_reports_are_not() -> None:
    async with a_cluster() as cluster:
        mirror = Mirror()
        with_history(cluster, mirror)
        for name, spec in (
            ("e", {"event": "paid", "key": "7", "payload": {"sum": 1}}),
            ("r", {"activity": {"name": "x"}, "outcome": "Complete"}),
        ):
            body = {
                "apiVersion": INSTANCES.api_version,
                "kind": WORKFLOW_EVENTS.kind,
                "metadata": {"name": name},
            }
            await cluster.client.create(WORKFLOW_EVENTS, {**body, "spec": spec}, NAMESPACE)
        async with cluster.leading():
            while not await mirror.events(NAMESPACE, "paid", "7"):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            assert len(mirror._events) == 1


async def test_a_mirror_that_is_away_stops_nothing_and_keeps_what_is_past_its_time() -> None:
    async with a_cluster() as cluster:
        mirror = Mirror()
        mirror.away = True
        with_history(cluster, mirror)
        await cluster.define("w", "a")
        async with cluster.leading() as term:
            uid = await cluster.start("one", "w", ttlAfterFinished="0s")
            status = await cluster.settled("one")
            assert condition(status, "Mirrored") == "False"
            assert not await term._sweeper._may_go(NAMESPACE, "one", uid)
            assert await _is_there(cluster, "one")
            mirror.away = False
            while not await term._sweeper._may_go(NAMESPACE, "one", uid):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            assert await differences(cluster, mirror) == []


async def test_what_the_history_has_purged_is_not_put_again_and_may_go() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "a")
        async with cluster.leading():
            uid = await cluster.start("one", "w")
            await cluster.settled("one")
        mirror = Mirror()
        with_history(cluster, mirror, keep=timedelta(seconds=-5))
        async with cluster.leading() as term:
            await cluster.start("other", "w")
            await cluster.settled("other")
            assert await term._sweeper._may_go(NAMESPACE, "one", uid)
            assert await mirror.revisions([uid]) == {}


async def _is_there(cluster: Cluster, name: str) -> bool:
    return await cluster.find(INSTANCES, name) is not None


async def test_a_root_stays_while_one_of_its_tree_is_missing_in_the_history() -> None:
    async with a_cluster() as cluster:
        mirror = Mirror()
        with_history(cluster, mirror)
        await cluster.define("inner", "a")
        body = {"steps": [{"name": "call", "type": "workflow", "config": {"workflow": "inner"}}]}
        await cluster.define("outer", **body)
        async with cluster.leading() as term:
            uid = await cluster.start("one", "outer")
            await cluster.settled("one")
            await until_alike(cluster, mirror)
            assert await term._sweeper._may_go(NAMESPACE, "one", uid)
            child = next(one for one in mirror._kept if one != uid)
            del mirror._kept[child]
            assert not await term._sweeper._may_go(NAMESPACE, "one", uid)
            await until_alike(cluster, mirror)
            assert await term._sweeper._may_go(NAMESPACE, "one", uid)
