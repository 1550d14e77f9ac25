"""The world: what survives the crash of a host, and the tasks that run in it."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Protocol

from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.providers.memory import LeaseTable, MemoryStore
from wfe.testing.simulation.faults import Faults
from wfe.testing.simulation.oracles import Oracles
from wfe.testing.simulation.scenario import Does, Scenario

START: Final = datetime(2030, 1, 1, tzinfo=UTC)
GRACE: Final = 0.5


class Mortal(Protocol):
    """What the world knows of a host."""

    name: str
    dead: bool

    def crash(self) -> None: ...


@dataclass
class Claim:
    """One started attempt, or one cancelled before its start; `told` are the hosts that know its end."""

    key: AttemptKey
    does: Does
    end: asyncio.Future[TaskEnded]
    told: list[Mortal] = field(default_factory=list)


@dataclass
class World:
    """Everything outside of the hosts."""

    scenario: Scenario
    faults: Faults
    oracles: Oracles
    random: Random
    store: MemoryStore = field(default_factory=MemoryStore)
    leases: LeaseTable = field(default_factory=LeaseTable)
    claims: dict[AttemptKey, Claim] = field(default_factory=dict)
    calls: int = 0
    life: int = 1
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    listeners: list[asyncio.Event] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    pods: dict[str, str] = field(default_factory=dict)

    @property
    def incarnation(self) -> str:
        return f"life-{self.life}"

    def is_there(self, incarnation: str) -> bool:
        """Whether claims of that incarnation can be seen."""
        return incarnation in self.pods.values() if self.scenario.pods else incarnation == self.incarnation

    def pod(self, root: str) -> str:
        """Make the pod of a tree, or find it."""
        return self.pods.setdefault(root, f"{root}-{self.incarnation}")

    def now(self) -> datetime:
        # Rounded down, so that what is due at a time is not due before it.
        return START + timedelta(microseconds=int(asyncio.get_running_loop().time() * 1_000_000))

    def note(self, said: str) -> None:
        """Keep a line for whoever has to understand a failure."""
        self.log.append(f"{asyncio.get_running_loop().time():10.3f}  {said}")

    def stir(self) -> None:
        """Something was written: hosts hear of it."""
        for listener in self.listeners:
            listener.set()

    def claim(self, key: AttemptKey) -> Claim:
        """Start an attempt, or find it."""
        if key not in self.claims:
            does = self.scenario.does(key.path, self.ends[key.instance, key.path])
            self.claims[key] = Claim(key, does, asyncio.get_running_loop().create_future())
            self.oracles.on_start(key)
            self.note(f"start {key.path} {key.attempt} in {self.incarnation}")
            if not does.forever:
                asyncio.get_running_loop().call_later(does.seconds, self._end, key, does.ended(key))
        return self.claims[key]

    def kill(self, key: AttemptKey) -> None:
        """End an attempt within the grace; one that never started is claimed as cancelled."""
        cancelled = TaskEnded(path=key.path, attempt=key.attempt, outcome=TaskOutcome.CANCELLED)
        if key not in self.claims:
            self.claims[key] = Claim(key, Does(), asyncio.get_running_loop().create_future())
            self._end(key, cancelled)
        elif not self.claims[key].end.done():
            asyncio.get_running_loop().call_later(GRACE, self._end, key, cancelled)

    def _end(self, key: AttemptKey, ended: TaskEnded) -> None:
        claim = self.claims.get(key)
        if claim is not None and not claim.end.done():
            self.ends[key.instance, key.path] += 1
            claim.end.set_result(ended)
            self.note(f"end {key.path} {key.attempt}: {ended.outcome}")

    def lose_executor(self) -> None:
        """The executor's home goes, and all claims with it; nobody can know how its attempts ended."""
        self.life += 1
        self.note(f"executor lost, now {self.incarnation}")
        for key, claim in self.claims.items():
            if claim.end.done():
                # If its end is neither saved nor known to a living host, nobody will ever know it.
                is_known = self._is_saved(key) or any(not host.dead for host in claim.told)
                self.ends[key.instance, key.path] -= not is_known
            else:
                claim.end.set_result(TaskEnded(path=key.path, attempt=key.attempt, outcome=TaskOutcome.LOST))
        self.claims.clear()
        self.pods.clear()

    def _is_saved(self, key: AttemptKey) -> bool:
        """Whether the end of an attempt has been saved."""
        saved = self.oracles.saved.get(key.instance)
        pointer = saved.pointers.get(key.path) if saved else None
        return pointer is None or pointer.attempt > key.attempt or pointer.incarnation is None
