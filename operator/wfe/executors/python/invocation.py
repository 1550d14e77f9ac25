"""One call of a callable: in the event loop or in a thread, until it returns or is told to end."""

import asyncio
import inspect
from datetime import timedelta
from typing import Any

from wfe.executors.python.context import PythonCallable, PythonContext
from wfe.executors.python.threads import Threads


class CallableExited(Exception):
    """A callable tried to end the process."""


class Invocation:
    """Begins at once. `work` is what the callable returns or raises."""

    def __init__(self, function: PythonCallable, context: PythonContext, threads: Threads) -> None:
        self._context = context
        self._is_async = inspect.iscoroutinefunction(function)
        call = self._call(function) if self._is_async else self._call_in_thread(function, threads)
        self.work = asyncio.create_task(call, name=context.key)

    async def stop(self, grace: timedelta) -> None:
        """Tell the callable to end, and wait at most `grace` for it."""
        self._context.cancelled.set()
        if self._is_async:
            self.work.cancel()
        await asyncio.wait([self.work], timeout=grace.total_seconds())
        # Of a thread that does not listen nothing more is wanted.
        self.work.cancel()

    async def _call(self, function: PythonCallable) -> Any:
        try:
            return await function(self._context)
        except (SystemExit, KeyboardInterrupt) as error:
            # They would end the event loop, and everybody's steps with it.
            raise CallableExited(repr(error)) from error

    async def _call_in_thread(self, function: PythonCallable, threads: Threads) -> Any:
        returned = await threads.call(lambda: function(self._context))
        return await returned if inspect.isawaitable(returned) else returned
