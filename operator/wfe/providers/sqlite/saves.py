"""Creates and saves, many at once: one look at what is stored, then one pass over each table."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wfe.errors import Conflict, NameTaken, WfeError
from wfe.model import codec
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.parts import part_names
from wfe.model.times import to_micros
from wfe.providers.sqlite.statements import SQL, sql_for

MOST_VALUES = 500


@dataclass(frozen=True, slots=True)
class Save:
    """What a decision writes, encoded where it was made: a value that is not JSON fails there."""

    instance: Instance
    creates: bool
    head: bytes
    parts: dict[str, bytes | None]
    records: list[tuple[int, bytes]]
    consumed: Sequence[int]

    @classmethod
    def of(cls, decision: Decision, *, creates: bool = False, consumed: Sequence[int] = ()) -> "Save":
        instance = decision.instance
        return cls(
            instance=instance,
            creates=creates,
            head=codec.encode_head(instance),
            parts=codec.encode_parts(instance, part_names(instance) if creates else decision.touched),
            records=[(record.seq, codec.encode_record(record)) for record in decision.records],
            consumed=consumed,
        )


@dataclass(slots=True)
class _Known:
    """What is stored of an instance, as the group has left it so far."""

    number: int
    revision: int
    status: str
    created: Save | None = None
    latest: Save | None = None
    has_new_status: bool = False


@dataclass(slots=True)
class _Group:
    """The saves of one transaction, judged in their order, then written together."""

    known: dict[str, _Known]
    names: set[str]
    last_number: int
    parts: dict[tuple[int, str], bytes | None] = field(default_factory=dict)
    records: dict[tuple[int, int], bytes] = field(default_factory=dict)
    consumed: list[tuple[int, int]] = field(default_factory=list)

    def judge(self, save: Save) -> bool | WfeError | None:
        """Take the save in and return its answer, or return why not."""
        instance = save.instance
        known = self.known.get(instance.id)
        if save.creates:
            if known is not None:
                return False
            if instance.name in self.names:
                return NameTaken(f"there is an instance named `{instance.name}` already; use another name")
            self.last_number += 1
            known = _Known(self.last_number, instance.revision, instance.status.value, created=save)
            self.known[instance.id] = known
            self.names.add(instance.name)
        elif known is None or known.revision != instance.revision - 1:
            found = known.revision if known else None
            return Conflict(
                f"instance `{instance.id}` is at revision {found}, not {instance.revision - 1}; load it again"
            )
        self._take(known, save)
        return True if save.creates else None

    def _take(self, known: _Known, save: Save) -> None:
        number = known.number
        known.has_new_status |= known.created is None and known.status != save.instance.status.value
        known.status = save.instance.status.value
        known.revision = save.instance.revision
        known.latest = save
        for name, body in save.parts.items():
            self.parts[number, name] = body
        for sequence, body in save.records:
            self.records[number, sequence] = body
        self.consumed += [(sequence, number) for sequence in save.consumed]

    def write(self, connection: sqlite3.Connection) -> None:
        changed = [(known, known.latest) for known in self.known.values() if known.latest]
        rows: dict[str, list[tuple[Any, ...]]] = {
            "create": [_row(known, known.created, save) for known, save in changed if known.created],
            "save": [
                (known.revision, save.head, known.number) for known, save in changed if not known.created
            ],
            "save_status": [(known.status, known.number) for known, _ in changed if known.has_new_status],
            "put_part": [(*place, body) for place, body in self.parts.items() if body is not None],
            "drop_part": [place for place, body in self.parts.items() if body is None],
            "put_record": [(*place, body) for place, body in self.records.items()],
            "consume": self.consumed,
        }
        for name, values in rows.items():
            if values:
                connection.executemany(SQL[name], values)


def save_all(connection: sqlite3.Connection, saves: Sequence[Save]) -> list[bool | WfeError | None]:
    """Write the saves inside the open transaction; return each one's answer, in their order."""
    ids = list({save.instance.id for save in saves})
    names = list({save.instance.name for save in saves if save.creates})
    group = _Group(
        known={id_: _Known(*rest) for id_, *rest in _select(connection, "known", ids)},
        names={name for (name,) in _select(connection, "names", names)},
        last_number=connection.execute(SQL["last_number"]).fetchone()[0] if names else 0,
    )
    answers = [group.judge(save) for save in saves]
    group.write(connection)
    return answers


def _select(connection: sqlite3.Connection, name: str, values: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(values), MOST_VALUES):
        some = values[start : start + MOST_VALUES]
        yield from connection.execute(sql_for(name, len(some)), some)


def _row(known: _Known, first: Save, latest: Save) -> tuple[Any, ...]:
    instance = first.instance
    return (
        known.number,
        instance.id,
        instance.name,
        instance.workflow.id,
        instance.reference,
        instance.parent.instance if instance.parent else None,
        to_micros(instance.created_at),
        known.status,
        known.revision,
        latest.head,
    )
