"""Tasks as calls of this process's own functions.

A call dies with the process, and after a crash it is made again: at least once. Its context carries a key by which
a callable can tell that it was there before. What it returns, a mapping or nothing, are its outputs.

A thread cannot be ended from outside: a plain `def` hears of a timeout or a kill through its context, and if it does
not listen, its thread runs on after its step was told to have ended.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wfe.executors.python.context import PythonCallable, PythonContext
from wfe.executors.python.ended import cancelled, ended, failed, timed_out
from wfe.executors.python.invocation import Invocation
from wfe.executors.python.threads import Threads
from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskEnded
from wfe.model.task import PythonTask

_REMEMBERED: Final = 1024


@dataclass(slots=True)
class _Run:
    work: asyncio.Task[TaskEnded]
    killed: asyncio.Future[timedelta]


class PythonExecutor:
    """Runs `async def` in the event loop and `def` in a thread; keeps the promise of `ports.executor.CallExecutor`."""

    def __init__(
        self,
        callables: Mapping[str, PythonCallable],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._callables = callables
        self._now = now
        self._runs: dict[AttemptKey, _Run] = {}
        self._ended: OrderedDict[AttemptKey, TaskEnded] = OrderedDict()
        self._threads = Threads()

    async def run(self, task: PythonTask) -> TaskEnded:
        """Make the call or find it, wait for its end, and tell how it ended."""
        if task.key in self._ended:
            return self._ended[task.key]
        if task.key not in self._runs:
            killed: asyncio.Future[timedelta] = asyncio.get_running_loop().create_future()
            work = asyncio.create_task(self._run(task, killed), name=task.key.token)
            self._runs[task.key] = _Run(work, killed)
        return await asyncio.shield(self._runs[task.key].work)

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """Tell the callable to end, and give it `grace`; a key never started is claimed as cancelled."""
        run = self._runs.get(key)
        if run is None:
            self._ended.setdefault(key, cancelled(key, None, self._now()))
        elif not run.killed.done():
            run.killed.set_result(grace)

    async def close(self, grace: timedelta) -> None:
        """Wait at most `grace` for the calls that run, then tell them to end and wait no longer."""
        works = [run.work for run in self._runs.values()]
        if works:
            _, late = await asyncio.wait(works, timeout=grace.total_seconds())
            for work in late:
                work.cancel()
            await asyncio.wait(works)
        self._threads.close()

    async def _run(self, task: PythonTask, killed: asyncio.Future[timedelta]) -> TaskEnded:
        try:
            end = await self._call(task, killed)
        finally:
            del self._runs[task.key]
        self._ended[task.key] = end
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        return end

    async def _call(self, task: PythonTask, killed: asyncio.Future[timedelta]) -> TaskEnded:
        started = self._now()
        function = self._callables.get(task.callable_id)
        if function is None:
            message = f"this host has no callable `{task.callable_id}`; register the workflow that has it"
            return failed(task.key, Reason.NO_EXECUTOR, message, None, started)
        context = PythonContext(task.key, task.data, task.locals, task.config)
        call = Invocation(function, context, self._threads)
        limit = None if task.timeout is None else task.timeout.total_seconds()
        grace = timedelta()
        try:
            await asyncio.wait([call.work, killed], timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            grace = killed.result() if killed.done() else task.grace
        finally:
            done = call.work.done()
            if not done:
                await call.stop(grace)
        if done:
            return ended(task, call.work, started, self._now())
        if killed.done():
            return cancelled(task.key, started, self._now())
        return timed_out(task, started, self._now())
