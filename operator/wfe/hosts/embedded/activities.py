"""Outside workers: fetch an activity, report how it went."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from wfe.errors import Permanent
from wfe.model.failure import Failure, Reason
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.ports.store import ActivityClaim
from wfe.runtime.patience import persistently
from wfe.runtime.runtime import Runtime

LOOK_EVERY: Final = timedelta(milliseconds=200)


class ClaimLost(Permanent):
    """The claim has expired and another worker may have it, or the activity is no longer wanted."""


class Activities:
    """The workers' side of `activity` steps."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def fetch(
        self, name: str, *, worker: str = "worker", wait: timedelta = timedelta()
    ) -> ActivityClaim | None:
        """Take the oldest offer of that name; wait for one if told to. None if there is none.

        The claim is the worker's until `claim.until`; then another worker may take it.
        """
        clock, store = self._runtime.clock, self._runtime.store
        until = clock.now() + wait
        while True:
            claim = await store.claim_activity(name, worker, now=clock.now())
            if claim is not None or clock.now() >= until:
                return claim
            await clock.sleep_until(min(until, clock.now() + LOOK_EVERY))

    async def complete(self, token: str, outputs: Mapping[str, Any] | None = None) -> None:
        """Report that an activity is done.

        Raises:
            ClaimLost: the claim is no longer this worker's.
        """
        await self._report(token, TaskOutcome.COMPLETE, dict(outputs or {}), None)

    async def fail(self, token: str, message: str) -> None:
        """Report that an activity failed; the step's error behaviour decides what follows.

        Raises:
            ClaimLost: the claim is no longer this worker's.
        """
        failure = Failure(reason=Reason.ERROR, message=message)
        await self._report(token, TaskOutcome.FAILED, {}, failure)

    async def _report(
        self, token: str, outcome: TaskOutcome, outputs: dict[str, Any], failure: Failure | None
    ) -> None:
        offer = await self._runtime.store.close_activity(token, now=self._runtime.clock.now())
        if offer is None:
            raise ClaimLost("the claim has expired or was taken back; fetch the activity again")
        signal = TaskEnded(
            path=offer.path, attempt=offer.attempt, outcome=outcome, outputs=outputs, failure=failure
        )
        # The offer is gone by now, so the report must arrive; should this process die here, the step offers again.
        await persistently(self._runtime.clock, lambda: self._runtime.signal(offer.instance, signal))
