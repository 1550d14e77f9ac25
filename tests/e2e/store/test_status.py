"""The status on a real API server: selections, waits, what kubectl shows, what a big run leaves in etcd."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, instance
from wfe.kube import Client, find_access
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Counts, Instance
from wfe.model.status import InstanceStatus
from wfe.providers.customresource import INSTANCES
from wfe.providers.customresource.provider import StandaloneStore
from wfe.testing.builders import NOON, a_decision, a_record, an_instance, running, the_next
from wfe.testing.store_contract import the_stored

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def a_store(namespace: str) -> AsyncIterator[StandaloneStore]:
    store = StandaloneStore(Client(find_access()), namespace)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def begun(
    cluster: Cluster, store: StandaloneStore, namespace: str, name: str, **changes: Any
) -> Instance:
    """Apply an instance, and write its first status."""
    cluster.apply(namespace, instance(name, "pipeline"))
    uid = cluster.get(namespace, "wfi", name)["metadata"]["uid"]
    first = an_instance(uid, name=name, status=InstanceStatus.RUNNING, started_at=NOON, **changes)()
    assert await store.create(a_decision(first))
    return first


async def test_kubectl_shows_a_run_and_waits_for_its_end(cluster: Cluster, namespace: str) -> None:
    async with a_store(namespace) as store:
        first = await begun(cluster, store, namespace, "good", counts=Counts(complete=2))
        with_step = an_instance("x").with_step("build", running(attempt=2))().pointers
        at_work = the_next(first, pointers=with_step)
        await store.save(at_work)
        row = cluster.kubectl("get", "wfi", "good", "-n", namespace, "--no-headers").split()
        assert row[:5] == ["good", "pipeline", "Running", "2/3", "build"]
        ended = the_next(
            at_work.instance,
            status=InstanceStatus.COMPLETE,
            finished_at=NOON.replace(minute=1, second=30),
            pointers={},
            counts=Counts(complete=3),
            outputs={"image": "app:1"},
            records=(a_record(1),),
        )
        await store.save(ended)
        row = cluster.kubectl("get", "wfi", "good", "-n", namespace, "--no-headers").split()
        assert row[:5] == ["good", "pipeline", "Complete", "3/3", "1m30s"]
        for condition in ("Complete", "Finished"):
            cluster.kubectl(
                "wait", f"--for=condition={condition}", "wfi/good", "-n", namespace, "--timeout=240s"
            )
        told = cluster.kubectl("describe", "wfi", "good", "-n", namespace)
        assert "12:00:01 build Complete 1.0s" in told
        assert '"app:1"' in told


async def test_a_failure_is_waited_for_and_explained(cluster: Cluster, namespace: str) -> None:
    async with a_store(namespace) as store:
        first = await begun(cluster, store, namespace, "bad")
        failure = Failure(
            reason=Reason.EXIT_CODE, message="it ended with exit code 2", step="build", exit_code=2
        )
        await store.save(the_next(first, status=InstanceStatus.FAILED, finished_at=NOON, failure=failure))
        cluster.kubectl("wait", "--for=condition=Failed", "wfi/bad", "-n", namespace, "--timeout=240s")
        row = cluster.kubectl("get", "wfi", "bad", "-n", namespace, "--no-headers").split()
        assert row[2:5] == ["Failed", "0/0", "ExitCode"]
        message = cluster.status(namespace, "bad")["message"]
        assert message == "step `build`: it ended with exit code 2"


async def test_a_watch_of_what_is_active_leaves_out_what_is_settled(cluster: Cluster, namespace: str) -> None:
    async with a_store(namespace) as store:
        first = await begun(cluster, store, namespace, "old")
        cluster.apply(namespace, instance("new", "pipeline"))
        await store.save(the_next(first, status=InstanceStatus.COMPLETE, finished_at=NOON))
        assert await _active(store, namespace) == ["new", "old"]
        await store.settle(first.id)
        assert await _active(store, namespace) == ["new"]
        assert await store.load(first.id) is not None
        assert await store.resolve("old") == first.id


async def _active(store: StandaloneStore, namespace: str) -> list[str]:
    every = store._client.list(INSTANCES, namespace, fields="status.active!=false")
    return sorted([one["metadata"]["name"] async for one in every])


async def test_big_data_and_long_history_lie_beside_a_small_status(cluster: Cluster, namespace: str) -> None:
    async with a_store(namespace) as store:
        current = await begun(cluster, store, namespace, "big")
        for number in range(60):
            data = {**current.data, f"key{number}": f"{number}" * 400}
            grown = an_instance("x").with_data(**data)().scopes
            decision = the_next(current, scopes=grown, records=(a_record(number),))
            touched = frozenset({f"d/\nkey{number}"})
            await store.save(
                type(decision)(instance=decision.instance, touched=touched, records=decision.records)
            )
            current = decision.instance
        size = len(cluster.kubectl("get", "wfi", "big", "-n", namespace, "-o", "jsonpath={.status}"))
        assert size < 20 * 1024
        assert (await the_stored(store, current.id)).data == current.data
        assert [record.seq for record in await store.history(current.id)] == list(range(60))
        assert await store.delete(current.id)
        gone = cluster.items(namespace, "configmaps", labels=f"wfe.sunbeam.pt/id={current.id}")
        assert gone == []
