"""The replicas that share the work: each holds one lease, and works the shards that fall to it among all who hold one.

The leases are slots, `PREFIX/0` and so on, so that those of replicas that are gone are used again. See `shards` for who
works what, and for why no two work the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from itertools import count
from typing import Any, Final, TypeVar

from wfe.errors import WfeError
from wfe.hosts.kubernetes.shards import SETTLE, SURE, TTL, Standing, shard_of, shards_of
from wfe.ports.leases import Leases

log = logging.getLogger(__name__)
T = TypeVar("T")
LOOK_EVERY: Final = 1.0
RENEW_EVERY: Final = 2.0
PATIENCE: Final = 2.0  # with one call
_NOTHING: Final[frozenset[int]] = frozenset()
_OUT: Final = Standing(_NOTHING, 0.0, 0.0)


class Membership:
    """Becomes a member, works its share while it is one, and becomes one again.

    Args:
        leases: those of this replica.
        me: its name, the holder of these leases; no other living replica has it.
        prefix: names the group of replicas that share the work.
        told: is told the shards that this replica works, whenever they change. Those that are gone must be let go of at
            once: in a few seconds, another works them.
        is_new: this process has worked nothing yet; otherwise others may be about to take what it had.
    """

    def __init__(
        self,
        leases: Leases,
        me: str,
        *,
        prefix: str = "operator",
        told: Callable[[frozenset[int]], None] = lambda _: None,
        is_new: bool = True,
    ) -> None:
        self._leases = leases
        self._me = me
        self._prefix = f"{prefix}/"
        self._told = told
        self._slot = ""
        self._renewed = 0.0
        self._standing = _OUT
        self._is_new = is_new
        self._has_lost = not is_new
        self._worked = _NOTHING

    @property
    def worked(self) -> frozenset[int]:
        """The shards that this replica works at this moment, even if it has just woken from a long pause."""
        return self._standing.worked(asyncio.get_running_loop().time())

    def works(self, root: str) -> bool:
        """Tell whether the tree with that root instance is this replica's to work on."""
        return shard_of(root) in self.worked

    async def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Work whenever this replica is a member, until cancelled; its lease is then given back.

        `work` is cancelled when this replica has lost its lease, or cannot be sure of it.

        Raises:
            Exception: what `work` raised; it is not to end by itself.
        """
        while True:
            await self._join()
            try:
                await self._work(work)
            finally:
                self._stand(_OUT)
                with suppress(WfeError, TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await self._leases.release(self._slot)
            self._has_lost = True

    async def _join(self) -> None:
        while not await self._has_joined():  # noqa: ASYNC110 - leases tell nobody that they end
            await asyncio.sleep(LOOK_EVERY)

    async def _has_joined(self) -> bool:
        held = await self._carefully(lambda: self._leases.holders(self._prefix))
        if held is None:
            return False
        mine = next((slot for slot, holder in held.items() if holder == self._me), None)
        self._slot = mine or next(
            slot for number in count() if (slot := f"{self._prefix}{number}") not in held
        )
        self._renewed = asyncio.get_running_loop().time()
        is_new, self._is_new = self._is_new, False
        if await self._carefully(lambda: self._leases.acquire(self._slot, TTL)) is None:
            return False
        now = asyncio.get_running_loop().time()
        seen = await self._carefully(lambda: self._leases.holders(self._prefix))
        others = set((seen or {}).values()) - {self._me}
        # After a restart the slot may still be ours, and then nobody has taken our shards meanwhile.
        is_free = seen is not None and not self._has_lost and (not others or (is_new and mine is not None))
        self._saw(seen or {}, now, settled_at=now if is_free else now + SETTLE)
        return True

    async def _work(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        working = asyncio.create_task(work(), name="work")
        keeping = asyncio.create_task(self._keep(), name="keep the membership")
        try:
            await self._until_unsure(working, keeping)
            if working.done():
                working.result()
                raise RuntimeError("the operator's work ended by itself")
            log.warning("this replica is no member any more; the others share its work")
        finally:
            self._stand(_OUT)
            for task in (working, keeping):
                task.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)

    async def _until_unsure(self, *tasks: asyncio.Task[None]) -> None:
        """Return when one of the tasks ends, or when the lease may have."""
        loop = asyncio.get_running_loop()
        while (left := self._standing.sure_until - loop.time()) > 0:
            done, _ = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return

    async def _keep(self) -> None:
        """Renew the lease and look who else is there; return once the lease is lost, or may be.

        A lease that has ended is not renewed, even where that can be: others have seen that it ended.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if loop.time() >= self._standing.sure_until:
                return
            if loop.time() - self._renewed >= RENEW_EVERY and not await self._has_renewed():
                return
            asked = loop.time()
            seen = await self._carefully(lambda: self._leases.holders(self._prefix))
            if seen is not None:
                if seen.get(self._slot) != self._me:
                    return
                self._saw(seen, asked, settled_at=self._standing.settled_at)
            self._stand(self._standing)

    async def _has_renewed(self) -> bool:
        """Return False if the lease is lost; that it was not renewed is noticed by its time."""
        asked = asyncio.get_running_loop().time()
        lost = await self._carefully(lambda: self._leases.renew(TTL))
        if lost is None:
            return True
        self._renewed = asked
        return self._slot not in lost

    def _saw(self, seen: Mapping[str, str], asked: float, *, settled_at: float) -> None:
        owned = shards_of(self._me, {*seen.values(), self._me})
        self._stand(Standing(owned, min(asked, self._renewed) + SURE, settled_at))

    def _stand(self, standing: Standing) -> None:
        self._standing = standing
        if (worked := self.worked) != self._worked:
            self._worked = worked
            self._told(worked)

    async def _carefully(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Make a call, at most so long; None if it came to nothing."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await call()
        except (WfeError, TimeoutError) as error:
            log.warning("the leases cannot be reached: %s", str(error) or "no answer in time")
            return None
