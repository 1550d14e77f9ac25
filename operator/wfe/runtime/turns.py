"""Turns: how many tasks run at once, first come, first served."""

import asyncio

from wfe.model.ids import AttemptKey


class Turns:
    """Hands out so many turns at a time. Who has been told not to wait goes on without one."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._queue: dict[AttemptKey, asyncio.Future[bool]] = {}

    async def take(self, key: AttemptKey) -> bool:
        """Wait for a turn. True: it has to be given back."""
        if self._free > 0:
            self._free -= 1
            return True
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue[key] = waiting
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.result():
                self.give_back()
            raise
        finally:
            self._queue.pop(key, None)

    def give_back(self) -> None:
        """Let the next one go on."""
        while self._queue:
            waiting = self._queue.pop(next(iter(self._queue)))
            if not waiting.done():
                waiting.set_result(True)
                return
        self._free += 1

    def hurry(self, key: AttemptKey) -> None:
        """Let it go on at once: it is to be ended, which needs no turn."""
        waiting = self._queue.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(False)
