"""Builders: values for tests that say only what the test is about.

`an_instance("i1", revision=3).with_step("build", running(attempt=2)).with_data(n=1)()` reads as it is meant;
everything not said has a plain, fixed value.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wfe.model.decision import Decision
from wfe.model.instance import Instance, Scope, WorkflowRef
from wfe.model.json import Json
from wfe.model.parts import part_names
from wfe.model.pointer import Phase, Pointer
from wfe.model.record import StepRecord
from wfe.model.status import InstanceStatus, StepStatus

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PIPELINE = WorkflowRef("pipeline", 1, "0" * 64)


@dataclass(frozen=True, slots=True)
class InstanceBuilder:
    """An instance under construction; every method returns another builder."""

    instance: Instance
    touched: frozenset[str] = field(default_factory=frozenset)

    def __call__(self) -> Instance:
        return self.instance

    def with_(self, **changes: Any) -> "InstanceBuilder":
        return replace(self, instance=replace(self.instance, **changes))

    def with_status(self, status: InstanceStatus) -> "InstanceBuilder":
        return self.with_(status=status, finished_at=NOON if status.is_final else None)

    def with_step(self, path: str, pointer: Pointer | None = None) -> "InstanceBuilder":
        placed = replace(pointer or a_pointer(), path=path, node=path)
        return self.with_(pointers={**self.instance.pointers, path: placed})

    def without_step(self, path: str) -> "InstanceBuilder":
        left = {name: pointer for name, pointer in self.instance.pointers.items() if name != path}
        return self.with_(pointers=left)

    def with_data(self, scope: str = "", /, **data: Json) -> "InstanceBuilder":
        known = self.instance.scopes.get(scope, Scope(parent="" if scope else None))
        grown = replace(known, data={**known.data, **data})
        return self.with_(scopes={**self.instance.scopes, scope: grown})


def an_instance(id: str = "i1", **changes: Any) -> InstanceBuilder:  # noqa: A002 (the word for it)
    """Return a builder of a pending instance of `pipeline`, with an empty root scope and no steps."""
    instance = Instance(id=id, name=id, workflow=PIPELINE, created_at=NOON, scopes={"": Scope(parent=None)})
    return InstanceBuilder(replace(instance, **changes))


def a_pointer(**changes: Any) -> Pointer:
    """Return a pending visit of the step `build`."""
    return replace(Pointer(path="build", node="build", parent=None), **changes)


def running(attempt: int = 1) -> Pointer:
    """Return a visit whose attempt runs."""
    return a_pointer(phase=Phase.BODY, status=StepStatus.RUNNING, attempt=attempt, started_at=NOON)


def a_record(seq: int = 0, **changes: Any) -> StepRecord:
    """Return the record of a shell step `build` that completed in a second."""
    record = StepRecord(
        seq=seq,
        path="build",
        node="build",
        name="build",
        type="shell",
        status=StepStatus.COMPLETE,
        attempts=1,
        exit_code=0,
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=1),
    )
    return replace(record, **changes)


def a_decision(
    instance: InstanceBuilder | Instance | None = None,
    *,
    touched: frozenset[str] | None = None,
    records: tuple[StepRecord, ...] = (),
) -> Decision:
    """Return a decision that leads to the instance; unless told, every part of it is touched."""
    value = instance if isinstance(instance, Instance) else (instance or an_instance())()
    return Decision(
        instance=value, touched=part_names(value) if touched is None else touched, records=records
    )


def the_next(
    before: Instance,
    *,
    records: tuple[StepRecord, ...] = (),
    gone: frozenset[str] = frozenset(),
    **changes: Any,
) -> Decision:
    """Return the decision after `before`: its revision plus one, all of its parts touched, `gone` too."""
    after = replace(before, revision=before.revision + 1, **changes)
    return a_decision(after, touched=part_names(before) | part_names(after) | gone, records=records)
