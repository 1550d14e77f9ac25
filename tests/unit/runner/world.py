"""A cluster and controllers on it, and a step that waits until it is let go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.unit.runner.cluster import Cluster, Homes, Host, needs
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.testing.executor_contract import Recorder, a_gate, a_script, until

NO_TIME = timedelta()
LONG = timedelta(minutes=5)


class World:
    """A cluster, and controllers on it, one after another or at once."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.sink = Recorder()
        self.homes = Homes(needs())
        self.hosts: list[Host] = []

    def host(self, **changes: Any) -> Host:
        host = Host(self.cluster, self.homes, self.sink, **changes)
        self.hosts.append(host)
        return host

    async def close(self) -> None:
        for host in self.hosts:
            await host.close(NO_TIME)


@asynccontextmanager
async def a_world(cluster: Cluster) -> AsyncIterator[World]:
    """Give a world whose controllers let go in the end."""
    world = World(cluster)
    try:
        yield world
    finally:
        await world.close()


async def begun(host: Host, task: ProcessTask, **changes: Any) -> "tuple[str, asyncio.Task[TaskEnded]]":
    """Have a task admitted and run; return the place and the run."""
    place = await host.place_for(task, **changes)
    return place, asyncio.create_task(host.run(task, place))


def a_waiting_task(world: World, name: str = "gate") -> ProcessTask:
    return a_script(f"{a_gate(world.cluster.workspace / name)}; echo over; exit 6")


async def is_waiting(world: World, task: ProcessTask) -> None:
    await until(lambda: world.sink.bytes_of(task.key) == b"waiting\n")


def let_go(world: World, name: str = "gate") -> None:
    (world.cluster.workspace / name).write_text("\n")


async def at_the_gate(world: World) -> "tuple[Host, ProcessTask, str, asyncio.Task[TaskEnded]]":
    """Run a step that waits; return its controller, the step, its place and the run."""
    host = world.host()
    task = a_waiting_task(world)
    place, run = await begun(host, task)
    await is_waiting(world, task)
    return host, task, place, run
