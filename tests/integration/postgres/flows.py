"""Workflows that run while the server is in trouble, and what has to be true of them afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wfe.builder import WorkflowBuilder
from wfe.graph.workflow import Workflow
from wfe.hosts.embedded.host import WorkflowHost
from wfe.model.status import InstanceStatus

STEPS = 8


@dataclass
class Runs:
    """Counts how often each step of each instance ran; a step takes a moment, so that trouble finds them running."""

    seconds: float = 0.01
    ran: Counter[tuple[str, int]] = field(default_factory=Counter)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def workflow(self) -> Workflow:
        """Return a workflow of steps that count themselves; its data has the instance's `name`."""

        def step(number: int) -> Callable[[Any], Awaitable[dict[str, Any]]]:
            async def count(data: Any) -> dict[str, Any]:
                self.ran[data["name"], number] += 1
                self.begun.set()
                await asyncio.sleep(self.seconds)
                return {f"step_{number}": number}

            return count

        builder: Any = WorkflowBuilder().start_with(step(0))
        for number in range(1, STEPS):
            builder = builder.then(step(number))
        workflow: Workflow = builder.build("counted", 1)
        return workflow


@asynccontextmanager
async def in_trouble(
    url: str, directory: Path, *, instances: int = 30, seconds: float = 0.02
) -> AsyncIterator[WorkflowHost]:
    """Run instances while the body makes trouble; then all of them end, and each step ran once.

    The body begins when the first step runs.
    """
    runs = Runs(seconds)
    workflow = runs.workflow()
    async with (
        WorkflowHost(url, workspace=directory, state=directory / "state") as host,
        asyncio.timeout(240),
    ):
        names = [f"n{number}" for number in range(instances)]
        ids = await asyncio.gather(*(host.start(workflow, {"name": name}) for name in names))
        await runs.begun.wait()
        yield host
        ended = await asyncio.gather(*map(host.wait, ids))
        assert {instance.status for instance in ended} == {InstanceStatus.COMPLETE}
        for instance in ended:
            assert [instance.data[f"step_{number}"] for number in range(STEPS)] == list(range(STEPS))
            records = await host.history(instance.id)
            assert [record.attempts for record in records if record.type == "python"] == [1] * STEPS
    assert runs.ran == {(name, number): 1 for name in names for number in range(STEPS)}
