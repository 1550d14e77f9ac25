"""A controller that dies, is overtaken or loses its streams: steps go on, and are found again."""

import asyncio
from datetime import timedelta

from tests.unit.runner.cluster import SETTINGS, Cluster, needs
from tests.unit.runner.world import (
    NO_TIME,
    a_waiting_task,
    a_world,
    at_the_gate,
    begun,
    is_waiting,
    let_go,
)
from wfe.model.signals import TaskOutcome
from wfe.testing.executor_contract import a_script, until


async def test_a_step_outlives_its_controller_which_comes_back_with_a_higher_epoch(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        first, task, place, run = await at_the_gate(world)
        await first.close(NO_TIME)
        await asyncio.wait([run])
        assert world.homes.epochs == 0
        second = world.host()
        run = asyncio.create_task(second.run(task, place))
        await until(lambda: world.homes.epochs == 1)
        let_go(world)
        assert (await run).exit_code == 6
        assert world.sink.bytes_of(task.key) == b"waiting\nover\n"


async def test_who_was_overtaken_comes_back_only_with_an_epoch_of_the_hosts(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        first, second = world.host(), world.host()
        task, other = a_waiting_task(world), a_script("echo other")
        place, run = await begun(first, task)
        await is_waiting(world, task)
        assert (await second.run(other, place)).outcome is TaskOutcome.COMPLETE
        assert world.homes.epochs == 1
        third = a_script("echo third")
        assert (await first.run(third, place)).outcome is TaskOutcome.COMPLETE
        assert world.homes.epochs == 2
        let_go(world)
        assert (await run).exit_code == 6


async def test_an_epoch_that_cannot_be_raised_yet_is_waited_for(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        first, task, place, run = await at_the_gate(world)
        await first.close(NO_TIME)
        await asyncio.wait([run])
        world.homes.failures = 2
        second = world.host()
        run = asyncio.create_task(second.run(task, place))
        await until(lambda: world.homes.epochs == 1)
        let_go(world)
        assert (await run).exit_code == 6


async def test_lost_streams_are_opened_again_and_nothing_is_lost(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        _, task, _, run = await at_the_gate(world)
        for _ in range(3):
            world.cluster.cut_streams()
        let_go(world)
        assert (await run).exit_code == 6
        assert world.sink.bytes_of(task.key) == b"waiting\nover\n"


async def test_a_stream_that_breaks_before_the_start_was_heard_does_not_start_twice(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        tasks = [a_script(f"echo {number} >>starts") for number in range(20)]
        place = await host.place_for(tasks[0])
        runs = asyncio.gather(*(host.run(task, place) for task in tasks))
        for _ in range(5):
            world.cluster.cut_streams()
            await asyncio.sleep(0)
        ends = await runs
        assert {end.outcome for end in ends} == {TaskOutcome.COMPLETE}
        started = (world.cluster.workspace / "starts").read_text().split()
        assert sorted(map(int, started)) == list(range(20))


async def test_only_so_many_streams_are_open_and_all_steps_end(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        images = ("b", "c", "d")
        world.homes.needs = needs(*images)
        host = world.host(settings=type(SETTINGS)(streams=3, attaches=1, log_patience=timedelta(seconds=60)))
        tasks = [a_script("sleep 1; echo done", image=image) for image in ("default", *images)]
        place = await host.place_for(tasks[0])
        ends = await asyncio.gather(*(host.run(task, place) for task in tasks))
        assert {end.outcome for end in ends} == {TaskOutcome.COMPLETE}
        for task in tasks:
            assert world.sink.bytes_of(task.key) == b"done\n"


async def test_an_api_server_that_is_away_for_a_while_fails_no_step(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        _, _, _, run = await at_the_gate(world)
        faults = world.cluster.server.faults
        world.cluster.call(lambda: faults.answer(503, verb="exec", times=3))
        world.cluster.cut_streams()
        let_go(world)
        assert (await run).exit_code == 6
