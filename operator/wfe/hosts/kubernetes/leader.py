"""The replica that works: it holds one lease, and works only as long as it can be sure to.

The lease saves work and carries no correctness: a replica that was paused and comes back may act once more before it
notices, and then meets the resourceVersion, uid or epoch that its successor has left.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from wfe.errors import Retryable
from wfe.ports.leases import Leases

log = logging.getLogger(__name__)
TTL: Final = timedelta(seconds=10)
EVERY: Final = 2.0
SURE: Final = 0.7 * TTL.total_seconds()


class Leader:
    """Stands by until it has the lease, works while it has it, stands by again.

    Attributes:
        is_leading: whether this replica works now.
    """

    def __init__(
        self, leases: Leases, *, key: str = "operator", told: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._leases = leases
        self._key = key
        self._told = told
        self._renewed = 0.0
        self.is_leading = False

    async def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Lead whenever that is possible, until cancelled; the lease is then given back.

        Raises:
            Exception: what `work` raised; it is not to end by itself.
        """
        while True:
            await self._stand_by()
            try:
                await self._lead(work)
            finally:
                self._tell(leads=False)
                with suppress(Retryable, TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self._leases.release(self._key)

    async def _stand_by(self) -> None:
        while True:
            asked = asyncio.get_running_loop().time()
            if await self._carefully(lambda: self._leases.acquire(self._key, TTL)) is not None:
                self._renewed = asked
                self._tell(leads=True)
                return
            await asyncio.sleep(EVERY)

    async def _lead(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        working = asyncio.create_task(work(), name="work")
        keeping = asyncio.create_task(self._keep(), name="keep the lease")
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                raise RuntimeError("the operator's work ended by itself")
            log.warning("the lease is lost; another replica works, this one stands by")
        finally:
            for task in (working, keeping):
                task.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)

    async def _keep(self) -> None:
        """Renew the lease; return once it is lost, or may be."""
        loop = asyncio.get_running_loop()
        while loop.time() - self._renewed < SURE:
            await asyncio.sleep(EVERY)
            if loop.time() - self._renewed >= SURE:
                return
            asked = loop.time()
            lost = await self._carefully(lambda: self._leases.renew(TTL))
            if lost is not None:
                if self._key in lost:
                    return
                self._renewed = asked

    async def _carefully(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make a call, at most so long; None if it came to nothing. Only what was asked for in time counts."""
        try:
            async with asyncio.timeout(EVERY):
                return await call()
        except (Retryable, TimeoutError) as error:
            log.warning("the lease cannot be reached: %s", str(error) or "no answer in time")
            return None

    def _tell(self, *, leads: bool) -> None:
        self.is_leading = leads
        self._told(leads)


def lease_key(namespaces: Sequence[str]) -> str:
    """Name the lease of those who do the same work, so that operators of other namespaces have another."""
    return "/".join(("operator", *sorted(set(namespaces))))
