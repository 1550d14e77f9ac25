"""The first save of an instance: into the object that a user made, or into one that is made for it."""

from typing import Any, Final

from wfe.errors import NameTaken, StoreUnavailable
from wfe.kube import AlreadyExists, ApiConflict, ApiNotFound
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.providers.customresource import names
from wfe.providers.customresource.errors import ObjectGone, translated
from wfe.providers.customresource.finding import Finder, is_uid
from wfe.providers.customresource.kinds import InstanceObject, instance_object
from wfe.providers.customresource.names import INSTANCES
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.saves import Change
from wfe.providers.customresource.saving import Prepared, Saver, patched
from wfe.providers.customresource.table import UNBORN, Kept, Stored, Table

TRIES: Final = 8


class Births:
    """Creates instances."""

    def __init__(self, room: Room, finder: Finder, saver: Saver) -> None:
        self._room = room
        self._finder = finder
        self._saver = saver

    async def create(self, decision: Decision) -> bool:
        """Give an instance its first status, and its object before if no user made one.

        Raises:
            NameTaken: another instance has the name.
            ObjectGone: it was to be that of an object which a user has deleted.
        """
        change = Change.of(decision, creates=True)
        with translated(f"creating instance `{decision.instance.name}`"):
            found = await self._object_of(decision.instance)
            if found is None:
                return False
            kept = self._room.table.learn(found)
            async with kept.lock:
                return await self._begin(kept, found, decision, change)

    async def _object_of(self, instance: Instance) -> InstanceObject | None:
        """Return the object of an instance that has not begun, made if need be; None if the instance exists."""
        kept = self._room.table.get(instance.id)
        if kept is not None:
            return await self._unborn(kept, instance)
        if instance.parent is not None:
            return await self._made(instance)
        async with self._room.creating:
            kept = await self._finder.find(instance.id)
            if kept is not None:
                return await self._unborn(kept, instance)
            if is_uid(instance.id):
                raise _gone(instance)
            return await self._made(instance)

    async def _unborn(self, kept: Kept, instance: Instance) -> InstanceObject | None:
        if kept.revision != UNBORN:
            return None
        found = await self._finder.at(kept.name)
        if found is None or found.metadata.uid != kept.uid:
            raise _gone(instance)
        return found if found.status.engine is None else None

    async def _made(self, instance: Instance) -> InstanceObject | None:
        body = object_of(instance, self._room.table)
        name = body["metadata"]["name"]
        try:
            return instance_object(await self._room.client.create(INSTANCES, body, self._room.namespace))
        except AlreadyExists:
            found = await self._finder.at(name)
        if found is not None and found.metadata.labels.get(names.ID) == names.label(instance.id):
            return found if found.status.engine is None else None
        raise NameTaken(f"there is an instance named `{instance.name}` already; use another name")

    async def _begin(self, kept: Kept, found: InstanceObject, decision: Decision, change: Change) -> bool:
        # The kept entry goes by the object's uid until the status says which instance it is.
        kept = Kept(decision.instance.id, kept.name, kept.uid, generation=found.metadata.generation)
        stored = Stored.empty()
        prepared = await self._saver.prepare(kept, stored, decision, change)
        for _ in range(TRIES):
            try:
                answer = await patched(
                    self._room, kept.name, found.metadata.resource_version, prepared.status
                )
            except ApiNotFound as error:
                raise _gone(decision.instance) from error
            except ApiConflict as error:
                again = await self._finder.at(kept.name)
                if again is None or again.metadata.uid != found.metadata.uid:
                    raise _gone(decision.instance) from error
                if again.status.engine is not None and again.status.engine.saved != prepared.token:
                    self._room.table.learn(again)
                    return False
                if again.status.engine is not None:
                    self._began(again, stored, prepared)
                    return True
                found = again
            else:
                self._began(instance_object(answer), stored, prepared)
                return True
        raise StoreUnavailable(f"the object of instance `{decision.instance.name}` changes too fast")

    def _began(self, found: InstanceObject, stored: Stored, prepared: Prepared) -> None:
        kept = self._room.table.learn(found)
        kept.generation = kept.generation or found.metadata.generation
        kept.stored, kept.fresh = stored, None
        self._saver.clean(prepared.garbage)
        self._room.table.changed.set()


def _gone(instance: Instance) -> ObjectGone | StoreUnavailable:
    """Return what it means that an object is gone: its user does not want it, or we make ours again."""
    said = f"the object of instance `{instance.name}` is gone"
    return ObjectGone(f"{said}; somebody deleted it") if is_uid(instance.id) else StoreUnavailable(said)


def object_of(instance: Instance, table: Table) -> dict[str, Any]:
    """Return the object of an instance that no user made one for."""
    root = table.get(instance.root) if instance.root else None
    parent = table.get(instance.parent.instance) if instance.parent else None
    root_name = root.name if root else parent.name if parent else None
    spec: dict[str, Any] = {
        "workflowRef": {"name": instance.workflow.id, "version": instance.workflow.version}
    }
    metadata: dict[str, Any] = {
        "name": names.root_name(instance.name),
        "labels": names.labels(
            "instance", id=instance.id, root=instance.root or instance.id, workflow=instance.workflow.id
        ),
    }
    if instance.reference is not None:
        spec["reference"] = instance.reference.encode("utf-8", "replace").decode()[:256]
    if instance.parent is not None:
        above = instance.parent
        metadata["name"] = names.child_name(root_name or names.slug(instance.name, 40), instance.id)
        spec["parent"] = {"id": above.instance, "path": above.path, "attempt": above.attempt}
    if parent is not None:
        spec["parent"] |= {"name": parent.name, "uid": parent.uid}
        owner = {"apiVersion": INSTANCES.api_version, "kind": INSTANCES.kind}
        metadata["ownerReferences"] = [{**owner, "name": parent.name, "uid": parent.uid}]
    return {
        "apiVersion": INSTANCES.api_version,
        "kind": INSTANCES.kind,
        "metadata": metadata,
        "spec": spec,
    }
