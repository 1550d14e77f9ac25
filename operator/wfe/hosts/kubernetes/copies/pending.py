"""What is on its way to the history: bounded, the newest of each instance, and what else has to be read again.

Pure but for its state: it waits for nothing and asks nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.ports.mirror import Change

MOST_INSTANCES: Final = 2000
MOST_RECORDS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Source:
    """The object that an instance is read from."""

    namespace: str
    name: str


@dataclass(slots=True)
class Saves:
    """Saves of one instance that follow each other without a gap.

    Attributes:
        base: the revision before the first of them.
        since: when the first of them was heard of.
    """

    source: Source
    base: int
    instance: Instance
    records: list[StepRecord]
    since: datetime

    @property
    def change(self) -> Change:
        return Change(namespace=self.source.namespace, instance=self.instance, records=tuple(self.records))


@dataclass(frozen=True, slots=True)
class Again:
    """An instance that is to be read whole."""

    source: Source
    since: datetime


@dataclass(slots=True)
class Batch:
    """What is put at once, by the ids of instances."""

    saves: dict[str, Saves] = field(default_factory=dict)
    again: dict[str, Again] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.saves) + len(self.again)

    def __contains__(self, instance: str) -> bool:
        return instance in self.saves or instance in self.again

    @property
    def since(self) -> Iterator[datetime]:
        """Yield since when each waits."""
        yield from (one.since for one in self.saves.values())
        yield from (one.since for one in self.again.values())


class Pending(Batch):
    """What is to be put: saves as they were heard of, as long as there is room, and names of what is read again."""

    def __init__(self) -> None:
        super().__init__()
        self._records = 0

    def add(self, source: Source, decision: Decision, now: datetime) -> None:
        """Hear of a save."""
        instance = decision.instance
        if instance.id in self.again:
            return  # all of it is read later
        known = self.saves.get(instance.id)
        follows = known is None or known.instance.revision + 1 == instance.revision
        if not follows or not self._has_room(known is None, decision.records):
            self.read_again(instance.id, source, now)
            return
        self._records += len(decision.records)
        if known is None:
            base = instance.revision - 1
            self.saves[instance.id] = Saves(source, base, instance, list(decision.records), now)
        else:
            known.instance = instance
            known.records.extend(decision.records)

    def read_again(self, instance: str, source: Source, now: datetime) -> None:
        """Have an instance read whole when its turn comes."""
        known = self.saves.pop(instance, None)
        if known is not None:
            self._records -= len(known.records)
            now = known.since
        self.again.setdefault(instance, Again(source, now))

    def take(self, most: int, most_again: int) -> Batch:
        """Return the next that are put, oldest first, and let go of them."""
        again = list(islice(self.again, most_again))
        saves = list(islice(self.saves, most - len(again)))
        batch = Batch(
            {one: self.saves.pop(one) for one in saves}, {one: self.again.pop(one) for one in again}
        )
        self._records -= sum(len(one.records) for one in batch.saves.values())
        return batch

    def _has_room(self, is_new: bool, records: Sequence[StepRecord]) -> bool:
        return len(self.saves) + is_new <= MOST_INSTANCES and self._records + len(records) <= MOST_RECORDS
