"""Lists of instances in a cluster."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.cli.display.neutral import neutral
from wfe.model.status import InstanceStatus
from wfe.providers.customresource import INSTANCES

PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which instances."""

    statuses: frozenset[InstanceStatus] = frozenset()
    workflow: str | None = None
    reference: str | None = None
    children: bool = False
    everywhere: bool = False
    limit: int = 50

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Wanted":
        """Read what click parsed."""
        return cls(
            statuses=frozenset(map(InstanceStatus, options["status"])),
            workflow=options["workflow"],
            reference=options["reference"],
            children=options["children"],
            everywhere=options["everywhere"],
            limit=options["limit"],
        )

    def has(self, found: Phase) -> bool:
        """Say whether an instance is one of them."""
        return (
            (not self.statuses or found.status in self.statuses)
            and self.workflow in (None, found.workflow)
            and self.reference in (None, found.reference)
            and (self.children or not found.parent)
        )


async def instances(room: Room, wanted: Wanted) -> Sequence[Phase]:
    """Return instances, newest first."""
    namespace = None if wanted.everywhere else room.namespace
    every = [phase(item) async for item in room.client.list(INSTANCES, namespace, page=PAGE)]
    # The server's times have seconds; of the same second, what was named later in the alphabet is no newer.
    return heapq.nlargest(
        wanted.limit, filter(wanted.has, every), key=lambda one: (one.created, one.namespace, one.name)
    )


def summary(one: Phase) -> dict[str, Any]:
    """Return an instance as JSON data, as a laptop's list has it, and where it is."""
    return {
        "id": one.id,
        "name": one.name,
        "namespace": one.namespace,
        "workflow": one.workflow,
        "version": one.workflow_version or None,
        "status": one.status.value,
        "reason": one.reason or None,
        "progress": one.progress or None,
        "step": one.step or None,
        "reference": one.reference or None,
        "error": one.message if one.status is InstanceStatus.FAILED else None,
        "created": one.created.isoformat().replace("+00:00", "Z"),
        "finished": one.finished.isoformat().replace("+00:00", "Z") if one.finished else None,
        "parent": one.parent or None,
    }


def table(found: Sequence[Phase], *, with_namespace: bool) -> Sequence[str]:
    """Return the lines of a table."""
    head = ("NAMESPACE", "NAME", "WORKFLOW", "STATUS", "PROGRESS", "STEP", "STARTED", "TOOK")
    rows = [head, *map(_row, found)]
    chosen = rows if with_namespace else [row[1:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*chosen, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in chosen
    ]


def _row(one: Phase) -> tuple[str, ...]:
    version = f" v{one.workflow_version}" if one.workflow_version else ""
    said = one.step if not one.status.is_final else one.reason if one.status is InstanceStatus.FAILED else ""
    return (
        one.namespace,
        neutral(one.name),
        neutral(one.workflow) + version,
        one.status.value,
        one.progress,
        neutral(said),
        one.created.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        one.duration,
    )
