"""What `advance` returns: the next instance, what to do once it is saved, and what the save has to write."""

from dataclasses import dataclass
from datetime import datetime

from wfe.model.commands import Command
from wfe.model.instance import Instance
from wfe.model.record import Lifecycle, StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One step of an instance's life.

    Attributes:
        instance: the next value, its revision one more (the same value if nothing changed).
        commands: what to do after the save; only what is new, `outstanding` gives all of it.
        records: visits that ended, for the history.
        touched: the parts of the instance that changed, by the names that `model.codec` gives them; a store
            writes these and no others. The head is always written.
        lifecycle: what to tell subscribers.
        wake_at: when to decide again if no signal comes before.
    """

    instance: Instance
    commands: tuple[Command, ...] = ()
    records: tuple[StepRecord, ...] = ()
    touched: frozenset[str] = frozenset()
    lifecycle: tuple[Lifecycle, ...] = ()
    wake_at: datetime | None = None

    @property
    def changed(self) -> bool:
        return bool(self.touched or self.records or self.lifecycle or self.commands)
