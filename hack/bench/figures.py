"""What the measurements share: flows of no-op steps, the floor, and how figures are shown."""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from wfe.builder import WorkflowBuilder
from wfe.graph.workflow import Workflow

Samples = list[float]


class Floor:
    """What SQLite itself takes to make one small row durable."""

    def __init__(self, directory: Path) -> None:
        self.connection = sqlite3.connect(directory / "floor.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)")

    async def commits(self, count: int) -> Samples:
        """Commit so often; return the milliseconds of each."""
        times = [time.perf_counter()]
        for _ in range(count):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute("INSERT INTO rows (body) VALUES (?)", (b"x" * 300,))
            self.connection.execute("COMMIT")
            times.append(time.perf_counter())
        return intervals(times)


class Ticks:
    """A step that does nothing but note when it ran."""

    def __init__(self) -> None:
        self.times: Samples = []

    async def __call__(self, _: Any) -> dict[str, Any]:
        self.times.append(time.perf_counter())
        return {}

    def taken(self) -> Samples:
        """Return the milliseconds between the runs noted so far, and forget them."""
        found = intervals(self.times)
        self.times.clear()
        return found


def sequence(name: str, step: Callable[..., Any], count: int) -> Workflow:
    """Return a workflow of so many steps, one after another."""

    async def no_op(data: Any) -> Any:
        return await step(data)

    builder = WorkflowBuilder().start_with(no_op)
    for _ in range(count - 1):
        builder = builder.then(no_op)
    return builder.build(name, 1)


def intervals(times: Iterable[float]) -> Samples:
    return [(after - before) * 1000 for before, after in pairwise(times)]


def show(name: str, samples: Samples) -> float:
    """Print a line and return the median."""
    ordered = sorted(samples)
    p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"{name:44} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   {len(ordered)} samples")
    return p50
