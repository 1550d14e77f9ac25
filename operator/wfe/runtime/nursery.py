"""A nursery: it owns the tasks that are started in it and waits for them."""

import asyncio
from collections.abc import Coroutine


class Nursery:
    """Tasks with an owner. The first one that breaks is remembered and told to whoever waits in `broken`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._broken = asyncio.Event()

    def start(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Start a task that belongs to this nursery."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._broken.set()

    def check(self) -> None:
        """Raise what broke a task, if something did."""
        if self._error is not None:
            raise self._error

    async def broken(self) -> None:
        """Wait until a task breaks, and raise what broke it."""
        await self._broken.wait()
        self.check()

    async def close(self) -> None:
        """Cancel every task and wait for all of them."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
