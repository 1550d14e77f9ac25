"""Telling an instance to stop, to wait, or to go on: by its spec, which the operator acts on."""

from collections.abc import Sequence
from typing import Any, Final

from wfe.errors import Permanent
from wfe.hosts.cli.cluster.objects import Object
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.kubernetes.reconcile import Desired
from wfe.kube import ApiConflict
from wfe.model.status import InstanceStatus
from wfe.providers.customresource.names import INSTANCES, ROOT

TRIES: Final = 5


class Over(Permanent):
    """The instance has ended; there is nothing left to do this with."""


class NotOver(Permanent):
    """Only an instance that has ended otherwise than Complete can be retried."""


async def unfinished(room: Room, name: str) -> Phase:
    """Return an instance that has not ended.

    Raises:
        NotFound: there is none.
        Over: it has ended.
    """
    found = phase(await room.instance(name))
    if found.status.is_final:
        raise Over(f"instance `{name}` has ended already: {found.status}")
    return found


async def want(room: Room, name: str, desired: Desired) -> Phase:
    """Want another state of an instance, and return it as it was."""
    found = await unfinished(room, name)
    change = {"spec": {"desiredState": desired.value}}
    await room.client.patch(INSTANCES, found.name, room.namespace, change)
    return found


async def resume(room: Room, name: str) -> Sequence[str]:
    """Let an instance go on, and those that its steps started; return the names of those that were told.

    Raises:
        Over: it has ended.
    """
    first = await unfinished(room, name)
    tree = [first, *await children(room, first)]
    return [one.name for one in tree if not one.status.is_final and await _resume(room, one)]


async def children(room: Room, root: Phase) -> list[Phase]:
    """Return the instances that the steps of a root's tree started."""
    listed = room.client.list(INSTANCES, room.namespace, labels=f"{ROOT}={root.id}")
    found = [phase(item) async for item in listed]
    return [one for one in found if one.uid != root.uid]


async def _resume(room: Room, found: Phase) -> bool:
    for _ in range(TRIES):
        change = resuming(found)
        if not change:
            return False
        try:
            await room.client.patch(
                INSTANCES, found.name, room.namespace, {"spec": change}, resource_version=found.version
            )
        except ApiConflict:
            # Its status is written all the time; what it is by now decides anew.
            found = phase(await room.instance(found.name))
        else:
            return True
    # The counter may only grow, so a lost race over it is lost to another resume.
    await room.client.patch(INSTANCES, found.name, room.namespace, {"spec": resuming(found)})
    return True


def resuming(found: Phase) -> dict[str, Any]:
    """Return what to change so that an instance goes on; nothing if nothing holds it. Pure."""
    change: dict[str, Any] = {}
    if found.desired is Desired.SUSPENDED:
        change["desiredState"] = Desired.RUNNING.value
    if found.status is InstanceStatus.SUSPENDED:
        # Whether a user or an error suspended it, and perhaps both did.
        change["resumes"] = found.resumes + 1
    return change


def retrying(source: Phase, found: Object) -> dict[str, Any]:
    """Return the spec of an instance that does what is left of another. Pure.

    Raises:
        NotOver: there is nothing to retry.
    """
    if not source.status.is_final or source.status is InstanceStatus.COMPLETE:
        raise NotOver(
            f"instance `{source.name}` is {source.status}; only one that failed or was terminated is retried"
        )
    spec = found["spec"]
    kept = ("workflowRef", "inputs", "variables", "ttlAfterFinished", "reference")
    return {
        **{key: spec[key] for key in kept if key in spec},
        "retryOf": {"name": source.name, "uid": source.uid},
    }
