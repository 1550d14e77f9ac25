"""An instance as people and programs look at it: plain JSON data, the steps in the order they started."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wfe.errors import Permanent
from wfe.expr.sentence import sentence
from wfe.graph.graph import Graph
from wfe.graph.node import Node, SequenceSpec
from wfe.model.failure import Failure
from wfe.model.instance import Instance
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus, StepStatus
from wfe.ports.store import Store, Summary
from wfe.runtime.definitions import Definitions


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One visit of a step, ended, live, or never reached."""

    path: str
    name: str
    type: str
    status: StepStatus
    attempts: int = 0
    exit_code: int | None = None
    started: datetime | None = None
    finished: datetime | None = None
    failure: Failure | None = None
    message: str | None = None
    wake_at: datetime | None = None
    child: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "path": self.path,
            "name": self.name,
            "type": self.type,
            "status": self.status.value,
            "attempts": self.attempts,
            "exit_code": self.exit_code,
            "started": _time(self.started),
            "finished": _time(self.finished),
            "error": str(self.failure) if self.failure else None,
        }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def steps_of(graph: Graph | None, instance: Instance, history: list[StepRecord]) -> list[StepView]:
    """Return every visit in start order, then the steps that were never reached.

    Without a graph, because it is in another program's code, there is only what happened.
    """
    seen: list[tuple[int, StepView]] = [(record.seq, _ended(record, graph)) for record in history]
    # The history is read after the instance: a visit that has ended in between is not live any more.
    ended = {record.seq for record in history}
    for pointer in instance.pointers.values():
        node = graph.nodes[pointer.node] if graph else _unknown(pointer)
        if not node.hidden and pointer.seq not in ended:
            seen.append((pointer.seq, _live(node, pointer)))
    views = [view for _, view in sorted(seen, key=lambda item: item[0])]
    return views if graph is None else [*views, *_never_reached(graph, instance, history)]


def _never_reached(graph: Graph, instance: Instance, history: list[StepRecord]) -> Iterator[StepView]:
    reached = {record.node for record in history} | {pointer.node for pointer in instance.pointers.values()}
    cancelled = instance.status is InstanceStatus.TERMINATED
    never = StepStatus.CANCELLED if cancelled else StepStatus.PENDING
    for node in _steps(graph.root):
        if not node.hidden and node.path not in reached:
            yield StepView(path=plain_path(node), name=node.name, type=node.type, status=never)


def _unknown(pointer: Pointer) -> Node:
    """Return what can be told of a step by one visit of it."""
    name = pointer.node.rpartition("/")[2]
    return Node(
        path=pointer.node, name=name, type="", spec=SequenceSpec(), hidden=not name or name.startswith("+")
    )


def _steps(node: Node) -> Iterator[Node]:
    """Yield the steps of a tree without hooks and compensations."""
    yield node
    for child in node.children:
        yield from _steps(child)


def plain_path(node: Node) -> str:
    """Return a step's path as users read it, without the groups that the language implies."""
    return "/".join(segment for segment in node.path.split("/") if not segment.startswith("+"))


def _ended(record: StepRecord, graph: Graph | None) -> StepView:
    return StepView(
        path=record.path,
        name=record.name,
        type=record.type,
        status=record.status,
        attempts=record.attempts,
        exit_code=record.exit_code,
        started=record.started_at,
        finished=record.ended_at,
        failure=record.failure,
        message=record.message or _skipped_because(record, graph),
        child=record.child,
    )


def _skipped_because(record: StepRecord, graph: Graph | None) -> str | None:
    if record.status is not StepStatus.SKIPPED or graph is None:
        return None
    condition = graph.nodes[record.node].when
    return None if condition is None else f"only if {sentence(condition)}"


def _live(node: Node, pointer: Pointer) -> StepView:
    return StepView(
        path=pointer.path,
        name=node.name,
        type=node.type,
        status=pointer.status,
        attempts=pointer.attempt,
        exit_code=pointer.exit_code,
        started=pointer.started_at,
        failure=pointer.failure,
        wake_at=pointer.wake_at,
        child=pointer.child,
    )


async def describe(store: Store, definitions: Definitions, instance: Instance) -> dict[str, Any]:
    """Return an instance as one JSON document, the steps of its children among its own."""
    return document_of(instance, await all_steps(store, definitions, instance))


def document_of(instance: Instance, steps: Iterable[StepView]) -> dict[str, Any]:
    """Return an instance and these steps as one JSON document."""
    failure = instance.failure
    return {
        "id": instance.id,
        "name": instance.name,
        "workflow": instance.workflow.id,
        "version": instance.workflow.version,
        "status": instance.status.value,
        "reason": instance.reason,
        "message": instance.message,
        "data": dict(instance.data),
        "outputs": dict(instance.outputs or {}),
        "error": str(failure) if failure else None,
        "created": _time(instance.created_at),
        "finished": _time(instance.finished_at),
        "reference": instance.reference,
        "trace": instance.trace,
        "steps": [view.plain() for view in steps],
    }


async def all_steps(
    store: Store, definitions: Definitions, instance: Instance, prefix: str = ""
) -> list[StepView]:
    """Return the steps of an instance and its children, in start order."""
    try:
        graph = await definitions.pinned(instance.workflow)
    except Permanent:
        graph = None
    history = list(await store.history(instance.id))
    found: list[StepView] = []
    for view in steps_of(graph, instance, history):
        found.append(replace(view, path=prefix + view.path))
        child = await store.load(view.child) if view.child else None
        if child is not None:
            found.extend(await all_steps(store, definitions, child, f"{prefix}{view.path}/"))
    return found


def summary(one: Summary) -> dict[str, Any]:
    """Return an instance of a list as JSON data."""
    return {
        "id": one.id,
        "name": one.name,
        "workflow": one.workflow.id,
        "version": one.workflow.version,
        "status": one.status.value,
        "reason": one.reason,
        "reference": one.reference,
        "error": str(one.failure) if one.failure else None,
        "created": _time(one.created_at),
        "finished": _time(one.finished_at),
        "parent": one.parent,
    }


def running_tasks(instance: Instance) -> list[Pointer]:
    """Return the visits whose attempt runs somewhere."""
    return [pointer for pointer in instance.pointers.values() if pointer.incarnation is not None]


def is_halted(members: Iterable[Instance]) -> bool:
    """Say whether an instance and its children cannot go on until somebody resumes one of them."""
    live = [member for member in members if not member.status.is_final]
    return any(member.status is InstanceStatus.SUSPENDED for member in live) and not any(map(_goes_on, live))


def _goes_on(instance: Instance) -> bool:
    if running_tasks(instance):
        return True
    if instance.status is InstanceStatus.SUSPENDED:
        return False
    # A step that started an instance goes on when that one does.
    waiting = (StepStatus.PENDING, StepStatus.SLEEPING, StepStatus.WAITING)
    return any(pointer.status in waiting and pointer.child is None for pointer in instance.pointers.values())
