"""Pods that do not come up, or not at once: images, mounts, nodes, services."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.runner.cluster import NAMESPACE, SETTINGS, Cluster, container_status, needs, running
from tests.unit.runner.world import LONG, NO_TIME, a_world, begun
from wfe.definition.services import Service
from wfe.kube.resource import EVENTS
from wfe.model.failure import Reason
from wfe.model.signals import TaskOutcome
from wfe.pods.needs import Needs
from wfe.ports.executor import CannotGoOn
from wfe.testing.executor_contract import a_script, until


def waiting_for(reason: str, message: str = "why") -> Callable[[dict[str, Any]], dict[str, Any]]:
    def status(pod: dict[str, Any]) -> dict[str, Any]:
        state = {"waiting": {"reason": reason, "message": message}}
        return running(pod) | {
            "phase": "Pending",
            "containerStatuses": [
                container_status(each["name"], state=state) for each in pod["spec"]["containers"]
            ],
        }

    return status


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ImagePullBackOff", "image `default` does not come: why"),
        ("InvalidImageName", "image `default` does not come: why"),
        ("CreateContainerConfigError", "Secret"),
        ("RunContainerError", "/bin/sh"),
    ],
)
async def test_a_container_that_does_not_come_up_fails_its_steps_in_time(
    cluster: Cluster, reason: str, words: str
) -> None:
    async with a_world(cluster) as world:
        world.cluster.status = waiting_for(reason)
        host = world.host()
        _, run = await begun(host, a_script("true"))
        ended = await run
        assert ended.outcome is TaskOutcome.FAILED
        assert ended.failure is not None
        assert words in ended.failure.message


async def test_an_image_that_comes_late_is_waited_for(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.cluster.status = waiting_for("ErrImagePull")
        host = world.host(settings=type(SETTINGS)(start_patience=LONG))
        _, run = await begun(host, a_script("true"))
        await until(lambda: any(seen.verb == "watch" for seen in world.cluster.server.seen))
        world.cluster.set_status(**running(world.cluster.pod()))
        assert (await run).outcome is TaskOutcome.COMPLETE


async def test_a_mount_that_fails_is_told_from_its_event(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.cluster.status = waiting_for("ContainerCreating")
        host = world.host()
        place, run = await begun(host, a_script("true"))
        event = {
            "metadata": {"name": "e"},
            "involvedObject": {"uid": place},
            "type": "Warning",
            "reason": "FailedMount",
            "message": 'secret "ci" not found',
        }
        world.cluster.call(lambda: world.cluster.server.objects.create(EVENTS, event, NAMESPACE))
        ended = await run
        assert ended.failure is not None
        assert 'secret "ci" not found' in ended.failure.message


async def test_a_pod_that_no_node_takes_fails_its_steps_in_time(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: too little memory"}
        world.cluster.status = lambda _: {"phase": "Pending", "conditions": [condition]}
        host = world.host()
        _, run = await begun(host, a_script("true"))
        ended = await run
        assert ended.failure is not None
        assert "too little memory" in ended.failure.message


def with_service(timeout: str) -> Needs:
    service = Service.model_validate(
        {"image": "postgres", "ports": [5432], "readiness": {"tcp": 5432, "timeout": timeout}}
    )
    return needs(services={"db": service})


async def test_steps_wait_for_services(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.homes.needs = with_service("5m")
        late = container_status("db", started=False)
        world.cluster.status = lambda pod: (
            running(pod) | {"phase": "Pending", "initContainerStatuses": [late]}
        )
        host = world.host()
        _, run = await begun(host, a_script("true"))
        await until(lambda: world.hosts and host.executor._runners)
        assert not run.done()
        world.cluster.set_status(initContainerStatuses=[late | {"started": True}])
        assert (await run).outcome is TaskOutcome.COMPLETE


async def test_a_service_that_is_not_ready_in_time_ends_the_instance(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.homes.needs = with_service("100ms")
        late = container_status("db", started=False)
        world.cluster.status = lambda pod: (
            running(pod) | {"phase": "Pending", "initContainerStatuses": [late]}
        )
        host = world.host()
        _, run = await begun(host, a_script("true"))
        with pytest.raises(CannotGoOn) as raised:
            await run
        assert raised.value.failure.reason is Reason.SERVICE_NOT_READY
        assert "`db` was not ready within 0.1 s" in raised.value.failure.message


async def test_a_kill_of_what_waits_for_its_image_does_not_wait(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.cluster.status = waiting_for("ImagePullBackOff")
        host = world.host(settings=type(SETTINGS)(start_patience=LONG))
        task = a_script("true")
        _, run = await begun(host, task)
        await until(lambda: host._executor is not None and task.key in host.executor._where)
        await host.kill(task.key, NO_TIME)
        assert (await run).outcome is TaskOutcome.CANCELLED
