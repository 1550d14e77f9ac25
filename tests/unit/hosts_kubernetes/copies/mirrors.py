"""A mirror that may be away, refuse, or lose all it had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wfe.errors import Permanent, StoreUnavailable
from wfe.hosts.kubernetes.copies.pending import Source
from wfe.model.decision import Decision
from wfe.model.event import Event
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.ports.mirror import Change
from wfe.providers.memory.mirror import MemoryMirror


class Mirror(MemoryMirror):
    """A mirror in memory that obeys a test.

    Attributes:
        away: whether every call fails.
        refused: names of instances that it can never take.
        lost_answers: so many puts happen and fail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused: set[str] = set()
        self.lost_answers = 0
        self._has_schema = True
        self._is_open = False
        self.puts: list[list[Change]] = []

    def empty(self) -> None:
        """Lose everything."""
        for kept in (self._kept, self._records, self._events):
            kept.clear()

    def drop(self) -> None:
        """Lose everything, and the schema with it; opening makes another."""
        self.empty()
        self._has_schema = False

    async def open(self) -> None:
        if self._is_open:
            return
        self._answer(with_schema=False)
        self._has_schema = self._is_open = True

    async def close(self) -> None:
        self._is_open = False

    async def put(self, changes: Sequence[Change]) -> None:
        self._answer()
        if any(change.instance.name in self.refused for change in changes):
            raise Permanent("it refuses a value")
        await super().put(changes)
        self.puts.append(list(changes))
        if self.lost_answers:
            self.lost_answers -= 1
            raise StoreUnavailable("the answer is lost")

    async def put_events(self, namespace: str, events: Sequence[Event]) -> None:
        self._answer()
        await super().put_events(namespace, events)

    async def revisions(self, instances: Sequence[str]) -> Mapping[str, int]:
        self._answer()
        return await super().revisions(instances)

    def _answer(self, *, with_schema: bool = True) -> None:
        if self.away:
            raise StoreUnavailable("the mirror is away")
        if with_schema and not self._has_schema:
            raise Permanent("it lacks the schema")


@dataclass
class Objects:
    """The objects of a cluster, as they are read whole."""

    kept: dict[str, tuple[Instance, list[StepRecord]]] = field(default_factory=dict)
    reads: int = 0

    def save(self, decision: Decision) -> Decision:
        """Keep a decision."""
        before = self.kept.get(decision.instance.name)
        records = [*(before[1] if before else ()), *decision.records]
        self.kept[decision.instance.name] = (decision.instance, records)
        return decision

    async def __call__(self, source: Source) -> Change | None:
        self.reads += 1
        found = self.kept.get(source.name)
        return found and Change(namespace=source.namespace, instance=found[0], records=tuple(found[1]))

    async def differences(self, mirror: Mirror) -> list[str]:
        """Return what a mirror has that is not so, or lacks."""
        wrong = []
        for name, (instance, records) in self.kept.items():
            kept = (await mirror.revisions([instance.id])).get(instance.id)
            if kept != instance.revision:
                wrong.append(f"{name}: {kept} instead of {instance.revision}")
            if await mirror.steps(instance.id) != records:
                wrong.append(f"{name}: other steps")
        return wrong
