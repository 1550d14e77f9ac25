"""A draft: the instance as it is being decided about.

`advance` is a pure function; inside it, one draft collects the changes and remembers which parts of the instance
they touch. Nothing of a draft outlives the call. What follows from a change is put on an agenda instead of the
call stack, so a thousand steps that are skipped one after another need no thousand frames.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wfe.engine.names import ScopeNames
from wfe.graph.graph import Graph
from wfe.graph.node import Node, Spec
from wfe.model.change import replace
from wfe.model.commands import Command
from wfe.model.decision import Decision
from wfe.model.failure import Failure
from wfe.model.instance import Instance, Scope, Undo
from wfe.model.json import Data, Json
from wfe.model.parts import list_part, pointer_part, undo_part
from wfe.model.pointer import Pointer, Stop
from wfe.model.record import InstanceChanged, Lifecycle, StepChanged, StepRecord
from wfe.model.status import InstanceStatus, StepStatus

if TYPE_CHECKING:
    from wfe.engine.primitive import Primitive


@dataclass(frozen=True, slots=True)
class End:
    """How a visit, or its body, ended."""

    status: StepStatus
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Enter:
    """Agenda: start a visit that is READY."""

    path: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Agenda: tell whoever is around a visit that it has ended."""

    pointer: Pointer
    end: End


@dataclass(frozen=True, slots=True)
class StopVisit:
    """Agenda: stop a visit from outside."""

    path: str
    why: Stop


@dataclass(frozen=True, slots=True)
class AllStopped:
    """Agenda: a container that was told to stop had no live children."""

    path: str


Item = Enter | Ended | StopVisit | AllStopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What `advance` is told of the world: the time, a throw of the dice, and where new attempts will run.

    `incarnation` is the place that the instance's processes share, "" while there is none; `elsewhere` names the
    places of attempts, by path and number, that have one of their own. What may not begin stays Pending.
    """

    now: datetime
    jitter: float = 0.0
    incarnation: str = ""
    elsewhere: Mapping[tuple[str, int], str] = field(default_factory=dict)
    may_begin: bool = True


@dataclass(slots=True)
class Draft:
    """The working copy of one decision."""

    graph: Graph
    base: Instance
    world: Circumstances
    primitives: Mapping[type[Spec], "Primitive"]
    head: dict[str, Any] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    records: list[StepRecord] = field(default_factory=list)
    lifecycle: list[Lifecycle] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    agenda: deque[Item] = field(default_factory=deque)
    pointers: dict[str, Pointer] = field(init=False)
    scopes: dict[str, Scope] = field(init=False)
    undo: dict[int, Undo] = field(init=False)
    lists: dict[str, tuple[Json, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.pointers = dict(self.base.pointers)
        self.scopes = dict(self.base.scopes)
        self.undo = dict(self.base.undo)
        self.lists = dict(self.base.lists)

    @property
    def now(self) -> datetime:
        return self.world.now

    def get(self, name: str) -> Any:
        """Return a field of the instance as it is now."""
        return self.head[name] if name in self.head else getattr(self.base, name)

    @property
    def status(self) -> InstanceStatus:
        status: InstanceStatus = self.get("status")
        return status

    @property
    def is_suspended(self) -> bool:
        return self.status is InstanceStatus.SUSPENDED

    def become(self, status: InstanceStatus, reason: str | None = None) -> None:
        """Let the instance take another state."""
        self.head["status"] = status
        self.head["reason"] = reason
        self.lifecycle.append(InstanceChanged(status=status, reason=reason, at=self.now))

    def later(self, item: Item) -> None:
        """Put what follows on the agenda."""
        self.agenda.append(item)

    def node(self, pointer: Pointer) -> Node:
        return self.graph.nodes[pointer.node]

    def primitive(self, pointer: Pointer) -> "Primitive":
        return self.primitives[type(self.node(pointer).spec)]

    def in_order(self) -> list[Pointer]:
        """Return the live visits in start order, which no save and load changes."""
        return sorted(self.pointers.values(), key=lambda pointer: pointer.seq)

    def put(self, pointer: Pointer) -> Pointer:
        """Store a new or changed pointer and return it."""
        self.pointers[pointer.path] = pointer
        self.touched.add(pointer_part(pointer.path))
        return pointer

    def add(self, child: Pointer) -> None:
        """Add a visit; it is entered when its turn comes."""
        self.put(replace(child, seq=self.next_seq(), prefix=child.prefix or child.path))
        self.later(Enter(child.path))

    def drop(self, pointer: Pointer) -> None:
        del self.pointers[pointer.path]
        self.touched.add(pointer_part(pointer.path))

    def put_undo(self, undo: Undo) -> None:
        self.undo[undo.seq] = undo
        self.touched.add(undo_part(undo.seq))

    def drop_undo(self, seq: int) -> Undo:
        self.touched.add(undo_part(seq))
        return self.undo.pop(seq)

    def put_list(self, name: str, values: tuple[Json, ...]) -> None:
        self.lists[name] = values
        self.touched.add(list_part(name))

    def drop_list(self, name: str) -> None:
        del self.lists[name]
        self.touched.add(list_part(name))

    def drop_lists(self, prefix: str) -> None:
        for name in [name for name in self.lists if name.startswith(prefix)]:
            del self.lists[name]
            self.touched.add(list_part(name))

    def next_seq(self) -> int:
        seq: int = self.get("next_seq")
        self.head["next_seq"] = seq + 1
        return seq

    def names(self, pointer: Pointer) -> ScopeNames:
        """Return what the visit can see."""
        return ScopeNames(
            scopes=self.scopes,
            scope=pointer.scope,
            variables=self.base.variables,
            overlay=self._overlay(pointer),
        )

    def _overlay(self, pointer: Pointer) -> Data:
        if not self.undo:
            return {}
        while pointer.undo is None and pointer.parent is not None:
            pointer = self.pointers[pointer.parent]
        undo = None if pointer.undo is None else self.undo.get(pointer.undo)
        return {} if undo is None else undo.outputs

    def tell(self, pointer: Pointer) -> None:
        """Tell subscribers that a visit took another state; hidden visits are nobody's business."""
        node = self.node(pointer)
        if node.hidden:
            return
        self.lifecycle.append(
            StepChanged(
                path=pointer.path,
                node=node.path,
                name=node.name,
                type=node.type,
                status=pointer.status,
                attempt=pointer.attempt,
                at=self.now,
                failure=pointer.failure,
                wake_at=pointer.wake_at,
            )
        )

    def rewrite(self, record: StepRecord) -> None:
        """Replace the record of a visit that has ended, and tell subscribers what became of it."""
        self.records.append(record)
        self.lifecycle.append(
            StepChanged(
                path=record.path,
                node=record.node,
                name=record.name,
                type=record.type,
                status=record.status,
                attempt=record.attempts,
                at=self.now,
                failure=record.failure,
            )
        )

    def decision(self) -> Decision:
        """Freeze what was decided: the base itself if nothing changed."""
        if not (self.head or self.touched or self.commands or self.records):
            return Decision(instance=self.base, wake_at=wake_at(self.base))
        instance = replace(
            self.base,
            revision=self.base.revision + 1,
            pointers=self.pointers,
            scopes=self.scopes,
            undo=self.undo,
            lists=self.lists,
            **self.head,
        )
        return Decision(
            instance=instance,
            commands=tuple(self.commands),
            records=tuple(self.records),
            touched=frozenset(self.touched),
            lifecycle=tuple(self.lifecycle),
            wake_at=wake_at(instance),
        )


def wake_at(instance: Instance) -> datetime | None:
    """Return when the instance is due without anything happening; None if never, or while suspended."""
    if instance.status.is_final or instance.status is InstanceStatus.SUSPENDED:
        return None
    times = [instance.deadline] if instance.deadline else []
    for pointer in instance.pointers.values():
        if pointer.wake_at is not None:
            times.append(pointer.wake_at)
        if pointer.deadline is not None:
            times.append(pointer.deadline)
    return min(times, default=None)
