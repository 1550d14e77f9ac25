"""Durable no-op steps through the embedded host: one after another, and of many instances side by side."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from figures import Samples, Ticks, sequence

from wfe.hosts.embedded.host import WorkflowHost

SHORT = 10
Commits = Callable[[int], Awaitable[Samples]]


async def one_after_another(
    url: str, workspace: Path, samples: int, floor: Commits
) -> tuple[Samples, Samples]:
    """Take raw commits and steps in turns, so that a noisy disk is noisy for both.

    Args:
        url: the store.
        workspace: a directory for the workspaces of the steps.
        samples: how many of each, about.
        floor: makes so many raw commits and returns the milliseconds of each.

    Returns:
        The milliseconds of each raw commit, and of each step.
    """
    ticks = Ticks()
    workflow = sequence("lone", ticks, SHORT)
    commits: Samples = []
    steps: Samples = []
    async with WorkflowHost(url, workspace=workspace) as host:
        await host.run(workflow)
        ticks.taken()
        for _ in range(samples // SHORT):
            commits += await floor(SHORT)
            await host.run(workflow)
            steps += ticks.taken()
    return commits, steps


async def side_by_side(url: str, workspace: Path, instances: int, steps: int) -> float:
    """Run many instances at once; return steps a second, from the first start to the last end."""
    workflow = sequence("together", Ticks(), steps)
    async with WorkflowHost(url, workspace=workspace) as host:
        await host.run(workflow)
        start = time.perf_counter()
        ids = await asyncio.gather(*(host.start(workflow) for _ in range(instances)))
        await asyncio.gather(*(host.wait(instance) for instance in ids))
        return instances * steps / (time.perf_counter() - start)
