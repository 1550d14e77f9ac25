"""Which leases the replicas go by: those of Valkey where it is named, and the API server's while nobody reaches it.

A replica that cannot reach Valkey while others can is to stop, and theirs is the work; when nobody can, Valkey is down,
and the work goes on by the leases of the API server. To tell the two apart, those who reach Valkey keep a beacon: a
lease in the API server that one of them holds. Whoever changes from one place to the other begins like one who has lost
its lease, so the places are not worked from at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from wfe.errors import WfeError
from wfe.hosts.kubernetes.membership import LOOK_EVERY, PATIENCE, Membership
from wfe.hosts.kubernetes.shards import SURE, TTL, Share
from wfe.ports.leases import Leases

log = logging.getLogger(__name__)
T = TypeVar("T")
# For how many seconds it has to answer before everybody changes over again.
STEADY: Final = 15.0
Work = Callable[[Share], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a replica sees of Valkey. Times are in seconds.

    Attributes:
        answers_for: how long it has answered without a failure; 0 if it does not answer now.
        fails_for: how long it has failed; 0 if it answers now.
        is_used: others reach it, and go by it.
    """

    answers_for: float
    fails_for: float
    is_used: bool


def goes_by_valkey(so_far: bool, seen: Reach) -> bool:
    """Tell whether a replica goes by the leases of Valkey from now on."""
    if seen.is_used:
        return True
    if so_far:
        return seen.fails_for <= SURE
    return seen.answers_for >= STEADY


class Leasing:
    """Works this replica's share, by whichever leases there are.

    Args:
        me: the name of this replica.
        valkey: its leases there; None where no Valkey is named.
        cluster: its leases in the API server.
        beacon: such leases once more, for the beacon alone.
        group: names the replicas that share the work.
        told: is told the shards that are worked, as `Membership` does.
    """

    def __init__(  # what it stands between
        self,
        me: str,
        valkey: Leases | None,
        cluster: Leases,
        beacon: Leases,
        *,
        group: str,
        told: Callable[[frozenset[int]], None],
    ) -> None:
        self._me = me
        self._valkey = valkey
        self._cluster = cluster
        self._beacon = beacon
        self._group = group
        self._key = f"{group}-by-valkey"
        self._told = told
        self._by_valkey = valkey is not None
        self._has_beacon = False
        self._changed = asyncio.Event()

    async def run(self, work: Work) -> None:
        """Work whenever this replica has a share, until cancelled.

        Args:
            work: is given the share, and cancelled when there is none.
        """
        if self._valkey is None:
            await self._run(self._cluster, work, is_new=True)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(self._valkey), name="watch valkey")
            group.create_task(self._take_turns(self._valkey, work), name="work by leases")

    async def _take_turns(self, valkey: Leases, work: Work) -> None:
        is_new = True
        while True:
            self._changed.clear()
            leases = valkey if self._by_valkey else self._cluster
            tasks = [
                asyncio.create_task(self._run(leases, work, is_new=is_new), name="work"),
                asyncio.create_task(self._changed.wait(), name="change over"),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                worked, _ = await asyncio.gather(*tasks, return_exceptions=True)
            if isinstance(worked, Exception):
                raise worked
            is_new = False

    async def _run(self, leases: Leases, work: Work, *, is_new: bool) -> None:
        member = Membership(leases, self._me, prefix=self._group, told=self._told, is_new=is_new)
        await member.run(lambda: work(member))

    async def _watch(self, valkey: Leases) -> None:
        loop = asyncio.get_running_loop()
        answered = failed = loop.time()
        while True:
            answers = await self._carefully(lambda: valkey.holders(f"{self._group}/")) is not None
            now = loop.time()
            answered, failed = (answered, now) if not answers else (now, failed)
            is_used = await self._is_used(answers=answers)
            seen = Reach(now - failed, now - answered, is_used)
            if (by_valkey := goes_by_valkey(self._by_valkey, seen)) != self._by_valkey:
                self._change(by_valkey=by_valkey)
            await asyncio.sleep(LOOK_EVERY)

    def _change(self, *, by_valkey: bool) -> None:
        if by_valkey:
            log.info("Valkey answers; the work is shared by its leases again")
        else:
            log.warning("nobody reaches Valkey; the work is shared by leases of the API server")
        self._by_valkey = by_valkey
        self._changed.set()

    async def _is_used(self, *, answers: bool) -> bool:
        """Tell whether others go by Valkey, and tell them that we do."""
        if answers and self._by_valkey:
            await self._show()
            return False
        if self._has_beacon:
            self._has_beacon = False
            await self._carefully(lambda: self._beacon.release(self._key))
            return False
        holder = await self._carefully(lambda: self._beacon.holder(self._key))
        return holder is not None and holder != self._me

    async def _show(self) -> None:
        if self._has_beacon:
            lost = await self._carefully(lambda: self._beacon.renew(TTL))
            self._has_beacon = lost is None or self._key not in lost
        else:
            self._has_beacon = await self._carefully(lambda: self._beacon.acquire(self._key, TTL)) is not None

    async def _carefully(self, call: Callable[[], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await call()
        except (WfeError, TimeoutError):
            return None  # the membership says so, if it is in its way
