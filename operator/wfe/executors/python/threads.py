"""Threads for plain functions: as many as run at once, kept for the next call, and never waited for at exit.

The standard pools join their threads when the process ends, so that one function that does not listen would keep
the whole process.
"""

import asyncio
import contextvars
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

Job = Callable[[], None]


class Threads:
    """Calls functions in daemon threads."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._size = 0
        self._idle = 0

    def call(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Call it now; the future is what it returns or raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def settle(result: Any, error: BaseException | None) -> None:
            self._idle += 1
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def job() -> None:
            result, error = None, None
            try:
                result = context.run(function)
            except BaseException as caught:  # noqa: BLE001  # whatever a callable raises is its step's failure
                error = caught if isinstance(caught, Exception) else RuntimeError(repr(caught))
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, error)

        self._jobs.put(job)
        if self._idle:
            self._idle -= 1
        else:
            self._size += 1
            Thread(target=self._work, name=f"python step {self._size}", daemon=True).start()
        return future

    def close(self) -> None:
        """Let idle threads end; those at work end with their function, or with the process."""
        for _ in range(self._size):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
