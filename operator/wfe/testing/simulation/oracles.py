"""Oracles: what must hold at every start and every save, and at the end."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wfe.graph.graph import Graph
from wfe.model.decision import Decision
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.pointer import Phase, Pointer


class Violation(AssertionError):
    """An invariant does not hold."""


def require(holds: bool, invariant: str, said: str) -> None:
    if not holds:
        raise Violation(f"{invariant}: {said}")


@dataclass
class Oracles:
    """What was seen so far."""

    graphs: Mapping[str, Graph]
    starts: Counter[AttemptKey] = field(default_factory=Counter)
    saved: dict[str, Instance] = field(default_factory=dict)
    attempts: set[AttemptKey] = field(default_factory=set)
    recorded: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    violations: list[Violation] = field(default_factory=list)

    def check(self, holds: bool, invariant: str, said: str) -> None:
        """Remember a violation: the runtime, which is being judged, must not be able to swallow it."""
        if not holds:
            self.violations.append(Violation(f"{invariant}: {said}"))

    async def begun(self, path: str) -> None:
        """Wait until some instance has a visit of that path in its body."""
        while not any(key.path == path for key in self.attempts):
            self.written.clear()
            await self.written.wait()

    def raise_first(self) -> None:
        if self.violations:
            raise self.violations[0]

    def on_start(self, key: AttemptKey) -> None:
        """A task really starts."""
        self.starts[key] += 1
        self.check(self.starts[key] == 1, "I1", f"{key} started {self.starts[key]} times")
        self.check(key in self.attempts, "I1", f"{key} started before it was saved")

    def on_write(self, decision: Decision, now: datetime) -> None:
        """A create or a save has happened."""
        after = decision.instance
        before = self.saved.get(after.id)
        revision = before.revision if before else 0
        self.check(after.revision == revision + 1, "I2", f"{after.id}: {revision} became {after.revision}")
        if before is not None:
            self.check(
                not before.status.is_final, "I2", f"{after.id} was {before.status} and is {after.status}"
            )
            self._check_timers(before, after, now)
        self._check_records(decision)
        self.saved[after.id] = after
        self.written.set()
        for pointer in after.pointers.values():
            if pointer.phase is Phase.BODY:
                self.attempts.add(AttemptKey(after.id, pointer.path, pointer.attempt))

    def _check_timers(self, before: Instance, after: Instance, now: datetime) -> None:
        for path, pointer in before.pointers.items():
            due_at = pointer.wake_at
            if due_at is not None and due_at > now and _went_on(pointer, after.pointers.get(path)):
                stopped = path not in after.pointers and self._may_be_stopped(before, after, pointer)
                self.check(stopped, "I9", f"{path} was due at {due_at} and went on at {now}")

    @staticmethod
    def _may_be_stopped(before: Instance, after: Instance, pointer: Pointer) -> bool:
        """Whether something around the visit ended, or was told to."""
        if after.status.is_final or after.cancelled or after.failure or after.end:
            return True
        parent = pointer.parent
        while parent is not None:
            around = after.pointers.get(parent)
            if around is None or around.phase is not Phase.BODY or around.stop or around.progress.undoing:
                return True
            if around.attempt != before.pointers[parent].attempt:
                return True
            parent = around.parent
        return False

    def _check_records(self, decision: Decision) -> None:
        seen = self.recorded.setdefault(decision.instance.id, set())
        for record in decision.records:
            again = (record.seq, record.path) in seen
            self.check(
                not again or record.status.value == "Compensated",
                "history",
                f"{record.path} was recorded twice",
            )
            seen.add((record.seq, record.path))

    def at_end(self, instance: Instance, records: Mapping[int, str]) -> None:
        """The instance has ended; `records` are the paths in its history by their sequence number."""
        counts = instance.counts
        ended = counts.complete + counts.failed + counts.skipped + counts.cancelled + counts.compensated
        require(len(records) == ended, "history", f"{len(records)} records of {ended} ended visits")
        require(not instance.pointers, "I3", f"{instance.id} has ended with live {list(instance.pointers)}")
        paths = set(records.values())
        for key in self.starts:
            missing = key.instance == instance.id and key.path not in paths
            require(not missing, "history", f"{key.path} has started and has no record")


def _went_on(before: Pointer, after: Pointer | None) -> bool:
    if after is None:
        return True
    if before.phase is Phase.SLEEPING:
        return after.attempt > before.attempt
    return after.wake_at is None and after.progress.next > before.progress.next
