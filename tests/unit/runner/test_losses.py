"""Pods and containers that are lost while steps run in them."""

import asyncio

import pytest

from tests.unit.runner.cluster import NODE, ROOT, Cluster
from tests.unit.runner.world import a_waiting_task, a_world, at_the_gate, is_waiting
from wfe.model.signals import TaskOutcome
from wfe.testing.executor_contract import a_script


async def test_a_pod_that_is_deleted_loses_what_ran(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host, task, _, run = await at_the_gate(world)
        world.cluster.set_status(phase="Failed", reason="Evicted", message="the node was low on memory")
        world.cluster.delete()
        ended = await run
        assert ended.outcome is TaskOutcome.LOST
        assert ended.failure is not None
        assert "low on memory" in ended.failure.message
        assert (await host.run(task, "another-uid")).outcome is TaskOutcome.LOST


async def test_a_pod_that_was_removed_by_force_is_lost_only_once_its_node_cannot_run_it(
    cluster: Cluster,
) -> None:
    async with a_world(cluster) as world:
        host, _, place, run = await at_the_gate(world)
        runner = host.executor._runners[place]
        for node, least in (
            ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, None),
            ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, 10.0),
            ({"spec": {"taints": [{"key": "node.kubernetes.io/out-of-service"}]}}, 0.0),
            (None, 0.0),
        ):
            world.cluster.set_node(node)
            delay = await runner._kill_delay(NODE)
            assert (delay is None) == (least is None)
            assert delay is None or least is None or delay >= least
        world.cluster.delete(grace_seconds=0)
        assert (await run).outcome is TaskOutcome.LOST


@pytest.mark.parametrize(
    ("reason", "steps", "outcome", "words"),
    [
        pytest.param("OOMKilled", 1, TaskOutcome.FAILED, "more memory", id="memory-of-one"),
        pytest.param("OOMKilled", 2, TaskOutcome.LOST, "several steps", id="memory-of-many"),
        pytest.param("Error", 1, TaskOutcome.LOST, "started anew", id="something-else"),
    ],
)
async def test_a_container_that_ended(
    cluster: Cluster, reason: str, steps: int, outcome: TaskOutcome, words: str
) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        tasks = [a_waiting_task(world, f"gate{number}") for number in range(steps)]
        place = await host.place_for(tasks[0])
        runs = [asyncio.create_task(host.run(task, place)) for task in tasks]
        for task in tasks:
            await is_waiting(world, task)
        world.cluster.restart(reason)
        for run in runs:
            ended = await run
            assert ended.outcome is outcome
            assert ended.failure is not None
            assert words in ended.failure.message
        again = a_script("echo on")
        assert (await host.run(again, place)).outcome is TaskOutcome.COMPLETE


async def test_a_pod_that_is_given_back_while_a_step_runs_loses_it(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host, _, _, run = await at_the_gate(world)
        await host.executor.release(ROOT)
        assert (await run).outcome is TaskOutcome.LOST
