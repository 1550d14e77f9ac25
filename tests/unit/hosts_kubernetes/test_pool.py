"""The warm pool."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from wfe.executors.runner import RunnerPod
from wfe.hosts.kubernetes.cleanup import drain
from wfe.hosts.kubernetes.pool import Pool
from wfe.kube import Client, Informer
from wfe.kube.resource import PODS
from wfe.pods import labels
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, StepContainer
from wfe.pods.settings import PodSettings
from wfe.testing.apiserver import serving

SETTINGS = PodSettings(image="runner")


@asynccontextmanager
async def _pool(settings: PodSettings = SETTINGS, size: int = 2) -> AsyncIterator[tuple[Client, Pool]]:
    async with serving([PODS]) as (_, client):
        idle, runners = (
            Informer(client, PODS, RunnerPod, labels=f"{labels.ROLE}={role}")
            for role in (labels.POOL, labels.RUNNER)
        )
        pool = Pool(client, idle, runners, settings, size, ["team"], lambda: True)
        tasks = [asyncio.create_task(work) for work in (idle.run(), runners.run(), pool.run())]
        try:
            yield client, pool
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _until(is_so: Callable[[list[dict[str, Any]]], object], client: Client) -> list[dict[str, Any]]:
    while not is_so(found := [pod async for pod in client.list(PODS, "team")]):
        pass
    return found


async def _all_run(client: Client, pool: Pool, number: int = 2) -> None:
    for pod in await _until(lambda found: len(found) == number, client):
        running = {"containerStatuses": [{"name": "main", "state": {"running": {}}}], "phase": "Running"}
        await client.patch(PODS, pod["metadata"]["name"], "team", {"status": running}, subresource="status")
    while sum(bool(pod.status.container_statuses) for pod in pool.idle.values()) < number:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def _home(namespace: str = "team", image: str = "runner") -> Home:
    owner = Owner("wfe.sunbeam.pt/v1alpha1", "WorkflowInstance", "i", "uid-1")
    needs = Needs(
        default_image="runner",
        containers=(StepContainer(image=image, name="main", memory_unsaid=True, cpu_unsaid=True),),
    )
    return Home("uid-1", namespace, owner, "w", needs)


async def test_a_claimed_pod_is_the_instances_and_another_takes_its_place() -> None:
    async with _pool() as (client, pool):
        await _all_run(client, pool)
        assert await pool.claim(_home())
        found = await _until(lambda found: len(found) == 3, client)
        (claimed,) = [
            pod["metadata"] for pod in found if pod["metadata"]["labels"][labels.ROLE] == labels.RUNNER
        ]
        assert claimed["labels"][labels.ROOT] == "uid-1"
        assert claimed["ownerReferences"][0]["uid"] == "uid-1"
        assert [pod.uid for pod in pool.runners.values()] == [claimed["uid"]]


async def test_of_many_claims_each_gets_a_pod_of_its_own_or_none() -> None:
    async with _pool() as (client, pool):
        await _all_run(client, pool)
        got = await asyncio.gather(*(pool.claim(_home()) for _ in range(5)))
        assert sum(got) == 2


async def test_what_the_pool_does_not_have_is_not_claimed() -> None:
    async with _pool() as (client, pool):
        await _until(lambda found: len(found) == 2, client)
        assert not await pool.claim(_home())  # none of them runs yet
        await _all_run(client, pool)
        assert not await pool.claim(_home(image="golang"))
        assert not await pool.claim(_home(namespace="other"))


async def test_pods_of_other_settings_are_replaced() -> None:
    async with _pool() as (client, pool):
        before = {pod["metadata"]["uid"] for pod in await _until(lambda found: len(found) == 2, client)}
        pool.settings = PodSettings(image="another")
        pool._stirred.set()
        after = await _until(lambda found: before.isdisjoint(pod["metadata"]["uid"] for pod in found), client)
        assert {pod["spec"]["containers"][0]["image"] for pod in after} <= {"another"}


async def test_pods_of_the_pool_go_before_the_operator_does() -> None:
    async with _pool() as (client, _):
        await _until(lambda found: len(found) == 2, client)
    async with serving([PODS]) as (_, client):
        for role in (labels.POOL, labels.RUNNER):
            metadata = {"name": role, "labels": {labels.ROLE: role}}
            await client.create(PODS, {"metadata": metadata}, "team")
        await drain(client, None)
        assert [pod["metadata"]["name"] async for pod in client.list(PODS)] == [labels.RUNNER]
