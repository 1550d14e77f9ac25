"""From an instance object and what this process knows to what `reconcile` decides by."""

from wfe.hosts.kubernetes.reconcile import Reads, Seen, count_of, desired_of, phase_of, text_of
from wfe.hosts.kubernetes.rooms import Room
from wfe.kube import Informer
from wfe.model.ids import child_id
from wfe.providers.customresource import InstanceObject
from wfe.providers.customresource.names import ROOT


def root_of(found: InstanceObject) -> str:
    """Return the id of the root of an instance's tree; what only looks like a child may name any."""
    return found.id if found.spec.parent is None else found.metadata.labels.get(ROOT) or found.id


def seen_of(found: InstanceObject, room: Room, instances: Informer[InstanceObject]) -> Seen:
    """Return what is known of an instance."""
    spec, status = found.spec, found.status
    resumed = count_of(status.resumes)
    return Seen(
        id=found.id,
        is_begun=status.engine is not None,
        is_active=status.active is not False,
        is_deleting=found.metadata.deletion_timestamp is not None,
        phase=phase_of(status.phase),
        desired=desired_of(spec.desired_state),
        resumes=count_of(spec.resumes),
        resumed=max(resumed, room.resumed.get(found.id, 0)),
        parent=None if spec.parent is None else _parent(found, room, instances),
        is_driven=room.runtime.is_driving(found.id),
    )


def _parent(found: InstanceObject, room: Room, instances: Informer[InstanceObject]) -> Reads:
    """Return what the parent has to do with a child; what only looks like a child has a parent that knows nothing."""
    claim = found.spec.parent
    name, uid, path = (text_of(claim, key) for key in ("name", "uid", "path"))
    parent = instances.get(found.metadata.namespace, name)
    if parent is None or parent.metadata.uid != uid or parent.id != text_of(claim, "id"):
        return Reads.GONE
    if parent.status.engine is None or phase_of(parent.status.phase).is_final:
        return Reads.DONE
    value = room.runtime.value(parent.id)
    if value is None:
        return Reads.UNKNOWN
    pointer = value.pointers.get(path)
    attempt = count_of(claim.get("attempt")) if isinstance(claim, dict) else 0
    is_listed = pointer is not None and pointer.child == child_id(parent.id, path, attempt)
    return Reads.WAITS if is_listed else Reads.DONE
