"""An event loop whose time jumps to the next timer when nothing is ready."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(AssertionError):
    """Nothing is ready and nothing ever will be."""


class _Selector(selectors.SelectSelector):
    """Waits for nothing: it lets the loop's time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is ready, and no timer is set")
        self.elapsed += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, which begins at zero; nothing outside of the process can reach it."""

    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.elapsed


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a loop of its own; time passes only where everybody waits for it."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
