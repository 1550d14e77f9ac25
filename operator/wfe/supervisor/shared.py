"""One run of a piece of work, however many wait for it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Run(Generic[T]):
    work: asyncio.Task[T]
    waiting: int = 0


class Shared(Generic[T]):
    """Runs by name. Who is cancelled leaves; when the last has left, the work is cancelled and waited for."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run[T]] = {}

    async def join(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the run of that name, or begin it."""
        run = self._runs.get(name)
        if run is None:
            run = self._runs[name] = _Run(asyncio.create_task(work(), name=name))
        run.waiting += 1
        try:
            return await asyncio.shield(run.work)
        finally:
            run.waiting -= 1
            if run.waiting == 0:
                self._runs.pop(name, None)
                await _end(run.work)

    async def close(self) -> None:
        """Cancel every run and wait for them."""
        works = [run.work for run in self._runs.values()]
        for work in works:
            work.cancel()
        if works:
            await asyncio.wait(works)


async def _end(work: asyncio.Task[T]) -> None:
    if not work.done():
        work.cancel()
        await asyncio.wait([work])
