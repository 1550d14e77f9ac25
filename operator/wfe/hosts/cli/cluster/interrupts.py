"""Ctrl-C and SIGTERM while a command waits: they end the command, and nothing in the cluster."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

T = TypeVar("T")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Left(Exception):
    """The user does not want to wait any longer."""


@asynccontextmanager
async def leaving() -> AsyncIterator[asyncio.Event]:
    """Give an event that Ctrl-C and SIGTERM set, for as long as the block lasts."""
    loop, left = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, left.set)
    try:
        yield left
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def unless(
    left: asyncio.Event, work: Coroutine[Any, Any, T], *, within: float | None = None
) -> T | None:
    """Do something and return what it returns; None if it is not done within so many seconds, and was stopped.

    Raises:
        Left: the event was set first.
    """
    doing, leaving_ = asyncio.ensure_future(work), asyncio.ensure_future(left.wait())
    try:
        await asyncio.wait({doing, leaving_}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        if leaving_.done():
            raise Left
        return None
    finally:
        for task in (doing, leaving_):
            task.cancel()
        await asyncio.gather(doing, leaving_, return_exceptions=True)
