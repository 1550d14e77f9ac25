"""Delivering to a copy that may be away: try until it takes what it is given, and say once what is wrong."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from wfe.errors import Permanent, Retryable
from wfe.ports.clock import Clock
from wfe.ports.logs import RecordsRefused
from wfe.ports.search import DocumentsRefused
from wfe.runtime.patience import pause

log = logging.getLogger("wfe")
# Somebody has to change something; they may do so without starting us again.
_UNTIL_REPAIRED: Final = timedelta(seconds=15)


@dataclass(slots=True)
class Delivery:
    """Makes calls to one copy of `what`; `trouble` is why the last one has failed so far."""

    what: str
    clock: Clock
    trouble: str = ""
    refused: int = 0
    _told: set[str] = field(default_factory=set)

    async def persistently(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call until it succeeds, or all that fails is refused for good."""
        attempt = 0
        while not await self._succeeds(call):
            attempt += 1
            await pause(self.clock, attempt)

    async def _succeeds(self, call: Callable[[], Awaitable[None]]) -> bool:
        try:
            await call()
        except RecordsRefused as error:
            self.refused += error.count
            self._tell(str(error))
        except DocumentsRefused as error:
            self.refused += 1
            self._tell(str(error))
        except Retryable as error:
            self.failed(str(error))
            return False
        except Permanent as error:
            self.failed(str(error))
            await self.clock.sleep_until(self.clock.now() + _UNTIL_REPAIRED)
            return False
        if self.trouble:
            log.info("%s arrive again", self.what)
        self.trouble = ""
        return True

    def failed(self, why: str) -> None:
        """Take note of why nothing arrives just now."""
        if not self.trouble:
            log.warning("%s wait, steps go on: %s", self.what, why)
        self.trouble = why

    def _tell(self, why: str) -> None:
        # The place differs from one to the next, the kind of trouble does not.
        kind = why.partition("because of")[2] or why
        if kind not in self._told and len(self._told) < 100:
            self._told.add(kind)
            log.warning("%s", why)
