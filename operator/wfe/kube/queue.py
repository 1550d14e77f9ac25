"""A keyed work queue: a key is worked by one worker at a time, and once however often it was added meanwhile."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Adds are cheap and never wait. A key that fails comes again after a growing pause, others are not delayed."""

    def add(self, key: K) -> None:
        raise NotImplementedError

    def add_after(self, key: K, seconds: float) -> None:
        """Add it later; the earliest of several wins."""
        raise NotImplementedError

    async def run(self, work: Callable[[K], Awaitable[float | None]], *, workers: int = 16) -> None:
        """Work on keys until cancelled. `work` returns when to come again in seconds, or None.

        An exception is logged, and its key comes again after 0.1 s, doubling to 60 s; a success starts that over.
        """
        raise NotImplementedError

    def __len__(self) -> int:
        """Return how many keys wait."""
        raise NotImplementedError
