"""Creates and saves, many at once: one statement judges them, writes them, and is the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wfe.errors import Conflict, NameTaken
from wfe.model import codec
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.model.parts import part_names
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.errors import StoreUnusable
from wfe.providers.postgres.words import digest, kept

LONGEST_NAME: Final = 600
LONG: Final = "…"

Answer = bool | None


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
        if kept(instance.id) != instance.id:
            raise StoreUnusable(
                f"the id {instance.id[:40]!r} cannot be kept; use at most 200 plain characters"
            )
        return cls(
            instance=instance,
            creates=creates,
            head=codec.encode_head(instance),
            parts=codec.encode_parts(instance, part_names(instance) if creates else decision.touched),
            records=[(record.seq, codec.encode_record(record)) for record in decision.records],
            consumed=consumed,
        )


@dataclass(slots=True)
class _Columns:
    """The values of a group, by column. Rows of an instance refer to it by its place in the group, from 1."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    made: list[tuple[Any, ...]] = field(default_factory=list)
    put: list[tuple[Any, ...]] = field(default_factory=list)
    dropped: list[tuple[Any, ...]] = field(default_factory=list)
    recorded: list[tuple[Any, ...]] = field(default_factory=list)
    consumed: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, save: Save) -> None:
        instance = save.instance
        place = len(self.asked) + 1
        expected = None if save.creates else instance.revision - 1
        self.asked.append((save.instance.id, expected, instance.revision, instance.status.value, save.head))
        if save.creates:
            self.made.append(
                (
                    place,
                    kept(instance.name),
                    kept(instance.workflow.id),
                    None if instance.reference is None else kept(instance.reference),
                    None if instance.parent is None else kept(instance.parent.instance),
                    instance.created_at,
                )
            )
        for name, body in (storable(*part) for part in save.parts.items()):
            if body is None:
                self.dropped.append((place, name))
            else:
                self.put.append((place, name, body))
        self.recorded += [(place, sequence, body) for sequence, body in save.records]
        self.consumed += [(place, sequence) for sequence in save.consumed]

    def values(self) -> list[list[Any]]:
        columns: list[list[Any]] = []
        for rows, count in (
            (self.asked, 5),
            (self.made, 6),
            (self.put, 3),
            (self.dropped, 2),
            (self.recorded, 3),
            (self.consumed, 2),
        ):
            columns += [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * count
        return columns


def storable(name: str, body: bytes | None) -> tuple[str, bytes | None]:
    """Return the name and the body under which a part is kept: one too long for an index is in front of the body."""
    if len(name) <= LONGEST_NAME:
        return name, body
    text = name.encode()
    return LONG + digest(name).hex(), None if body is None else len(text).to_bytes(4, "big") + text + body


def restored(name: str, body: bytes) -> tuple[str, bytes]:
    """Return the name and the body of a part as they were before they were kept."""
    if not name.startswith(LONG):
        return name, body
    end = 4 + int.from_bytes(body[:4], "big")
    return body[4:end].decode(), body[end:]


async def save_all(database: Database, saves: Sequence[Save]) -> Sequence[Answer | Exception]:
    """Write saves of different instances; return each one's answer, in their order."""
    # Saves in one order everywhere, so that groups of two processes wait for each other, and never both. Creates as
    # they were asked for: of two that want a name, the first has it.
    ordered = sorted(
        range(len(saves)), key=lambda index: "" if saves[index].creates else saves[index].instance.id
    )
    columns = _Columns()
    for index in ordered:
        columns.add(saves[index])
    news = database.news
    is_told = any(save.instance.status.is_final for save in saves)
    words = news.words() if is_told else None
    rows = await database.fetch("save", *columns.values(), news.channel, words)
    if rows:
        news.wrote(is_told=is_told)
    written = {ordered[row["place"] - 1] for row in rows}
    refused = {index for index in range(len(saves)) if index not in written}
    reasons = await _reasons(database, [saves[index] for index in sorted(refused)])
    answers: list[Answer | Exception] = []
    for index, save in enumerate(saves):
        answers.append((True if save.creates else None) if index in written else reasons[save.instance.id])
    return answers


async def _reasons(database: Database, refused: Sequence[Save]) -> dict[str, Answer | Exception]:
    """Say why saves were refused, by the ids of their instances."""
    if not refused:
        return {}
    rows = await database.fetch("revisions", [save.instance.id for save in refused])
    revisions = {row["id"]: row["revision"] for row in rows}
    return {save.instance.id: _reason(save, revisions.get(save.instance.id)) for save in refused}


def _reason(save: Save, revision: int | None) -> Answer | Exception:
    instance = save.instance
    if not save.creates:
        return Conflict(
            f"instance `{instance.id}` is at revision {revision}, not {instance.revision - 1}; load it again"
        )
    if revision is not None:
        return False
    return NameTaken(f"there is an instance named `{instance.name}` already; use another name")
