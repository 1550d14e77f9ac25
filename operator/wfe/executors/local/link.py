"""How this machine's supervisor is started, and what is wrong if it does not greet."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from wfe.executors.local.process import SupervisorProcess
from wfe.supervisor.link import Link, Session, SupervisorAway

_TRIES: Final = 3
_DEATHS: Final = 5
_PATIENCE_SECONDS: Final = 10.0
_REFUSALS: Final = {
    "setsid": "this machine has neither `setsid` nor `perl`, and steps need one of them; install util-linux",
    "incarnation": "the state directory was moved to another machine while this process ran",
}


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts supervisors, one after another."""

    command: Sequence[str]
    directory: Path
    env: Mapping[str, str]
    now: Callable[[], datetime]

    async def connect(self, link: Link, deaths: int) -> Session:
        """Start one and wait until it has greeted.

        Raises:
            SupervisorAway: it does not start, or dies again and again.
        """
        if deaths > _DEATHS:
            raise SupervisorAway("the supervisor dies again and again, without an answer")
        try:
            return await self._greeted(link)
        except OSError as error:
            raise SupervisorAway(f"the supervisor does not start: {error}") from error

    async def _greeted(self, link: Link) -> Session:
        refusal: str | None = None
        for _ in range(_TRIES):
            process = await SupervisorProcess.start(self.command, self.directory, self.env, link, self.now)
            await asyncio.wait(
                [process.ready, process.exited],
                timeout=_PATIENCE_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if process.ready.done() and not process.exited.done():
                return process
            refusal = process.refusal or refusal
            process.release()
        messages = self.directory / ".supervisor" / "messages"
        said = _REFUSALS.get(refusal or "", f"its messages are in {messages}")
        raise SupervisorAway(f"the supervisor does not start: {said}")
