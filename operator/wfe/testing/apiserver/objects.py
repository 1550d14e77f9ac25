"""What the server stores: objects, versions, and the history that watches replay. It knows no HTTP.

Every stored object is a value of its own: a write makes a new one. Versions are integers of one counter.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from wfe.kube.resource import PODS, Resource
from wfe.testing.apiserver.patches import merged, operated
from wfe.testing.apiserver.refusals import Refused

Object = dict[str, Any]
Key = tuple[Resource, str, str]  # a namespace ("" for cluster-wide kinds) and a name
PatchKind = Literal["merge", "json", "apply"]
Validate = Callable[[Object, Object | None], str | None]

# What belongs to the server, whatever a write says of it.
KEPT: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
)


@dataclass(frozen=True)
class Change:
    """One write: an object before and after, either may be missing."""

    version: int
    resource: Resource
    before: Object | None
    after: Object | None


class Objects:
    """Objects by resource, namespace and name."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.version = 1
        self.history: list[Change] = []
        self.listeners: list[Callable[[], None]] = []
        self.validators: dict[Resource, Validate] = {}
        self._items: dict[Key, Object] = {}
        self._now = now
        self._made = 0

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return an object; not to be changed."""
        try:
            return self._items[resource, namespace or "", name]
        except KeyError:
            raise Refused(404, f'{resource.plural} "{name}" not found') from None

    def all(
        self, resource: Resource, namespace: str | None = None, *, as_of: int | None = None
    ) -> list[Object]:
        """Return the objects of one kind, by namespace and name; `as_of` an earlier version, if given."""
        items = self._items if as_of is None else self._past(as_of)
        chosen = [key for key in items if key[0] == resource and namespace in (None, key[1])]
        return [items[key] for key in sorted(chosen, key=lambda key: key[1:])]

    def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Store a new object. Status is not taken from it, as with every kind that has the subresource."""
        item = deepcopy(body)
        metadata = item.setdefault("metadata", {})
        self._made += 1
        name = metadata.get("name") or f"{metadata.get('generateName', '')}{self._made:05d}"
        key = resource, namespace or "", name
        if key in self._items:
            raise Refused(409, f'{resource.plural} "{name}" already exists', reason="AlreadyExists")
        for field in KEPT:
            metadata.pop(field, None)
        metadata |= {
            "name": name,
            **({"namespace": namespace} if namespace else {}),
            "uid": f"00000000-0000-4000-8000-{self._made:012d}",
            "creationTimestamp": self._timestamp(),
            "generation": 1,
        }
        item |= {"apiVersion": resource.api_version, "kind": resource.kind}
        item.pop("status", None)
        if resource == PODS:
            item["status"] = {"phase": "Pending"}
        self._validate(resource, item, None)
        return self._store(key, item)

    def replace(
        self, resource: Resource, body: Object, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        """Store another body under a name; its resourceVersion is the precondition."""
        if not body.get("metadata", {}).get("resourceVersion"):
            raise Refused(422, "metadata.resourceVersion: must be specified for an update")
        return self._update(
            resource, body["metadata"]["name"], namespace, lambda _: deepcopy(body), subresource
        )

    def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        patch: Any,
        *,
        kind: PatchKind = "merge",
        subresource: str = "",
    ) -> Object:
        """Change an object. A resourceVersion or uid in a merge patch is a precondition."""
        if kind == "apply" and not subresource and (resource, namespace or "", name) not in self._items:
            return self.create(resource, merged(patch, {"metadata": {"name": name}}), namespace)
        change = operated if kind == "json" else merged
        return self._update(resource, name, namespace, lambda now: change(now, deepcopy(patch)), subresource)

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        preconditions: Mapping[str, str] | None = None,
        grace_seconds: int | None = None,
        orphan: bool = False,
    ) -> Object:
        """Delete an object, or mark it while finalizers or (for a pod on a node) its grace hold it.

        As with a real kubelet, a pod on a node is gone after a delete with `grace_seconds=0`.
        """
        item = self.get(resource, name, namespace)
        for field, expected in (preconditions or {}).items():
            if item["metadata"][field] != expected:
                raise Refused(409, f"precondition failed: {field} is {item['metadata'][field]}")
        key = resource, namespace or "", name
        graceful = resource == PODS and "nodeName" in item.get("spec", {}) and grace_seconds != 0
        if not graceful and not item["metadata"].get("finalizers"):
            return self._remove(key, orphan=orphan)
        if "deletionTimestamp" in item["metadata"]:
            return item
        marked: Object = {"deletionTimestamp": self._timestamp()}
        if graceful:
            usual = item["spec"].get("terminationGracePeriodSeconds", 30)
            seconds = usual if grace_seconds is None else grace_seconds
            marked["deletionGracePeriodSeconds"] = seconds
        return self._store(key, {**item, "metadata": {**item["metadata"], **marked}})

    def since(self, version: int, resource: Resource) -> Iterator[Change]:
        """Yield what changed after a version."""
        start = bisect_right(self.history, version, key=lambda change: change.version)
        return (change for change in self.history[start:] if change.resource == resource)

    def _update(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        change: Callable[[Object], Object],
        subresource: str,
    ) -> Object:
        now = self.get(resource, name, namespace)
        wanted = change(deepcopy(now))
        for field in ("resourceVersion", "uid"):
            if wanted["metadata"].get(field, now["metadata"][field]) != now["metadata"][field]:
                raise Refused(
                    409, f'Operation cannot be fulfilled on {resource.plural} "{name}": it has been modified'
                )
        item = _with_status(now, wanted) if subresource else _without_status(now, wanted)
        if item == now:
            return now
        self._validate(resource, item, now)
        key = resource, namespace or "", name
        if "deletionTimestamp" in item["metadata"] and _is_free(resource, item):
            self._items[key] = item
            return self._remove(key)
        return self._store(key, item)

    def _validate(self, resource: Resource, item: Object, before: Object | None) -> None:
        validate = self.validators.get(resource)
        if validate and (problem := validate(item, before)):
            raise Refused(422, problem)

    def _store(self, key: Key, item: Object) -> Object:
        before = self._items.get(key)
        self.version += 1
        # Earlier versions may share the metadata, and watches still tell of them.
        item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        self._items[key] = item
        self._note(Change(self.version, key[0], before, item))
        return item

    def _remove(self, key: Key, *, orphan: bool = False) -> Object:
        item = self._items.pop(key)
        self.version += 1
        self._note(Change(self.version, key[0], item, None))
        if not orphan:
            self._collect(item["metadata"]["uid"])
        return item

    def _collect(self, owner: str) -> None:
        """Delete what only that owner held."""
        living = {item["metadata"]["uid"] for item in self._items.values()}
        for (resource, namespace, name), item in list(self._items.items()):
            owners = {reference["uid"] for reference in item["metadata"].get("ownerReferences", ())}
            if owner in owners and not owners & living and (resource, namespace, name) in self._items:
                self.delete(resource, name, namespace)

    def _note(self, change: Change) -> None:
        self.history.append(change)
        for listener in self.listeners:
            listener()

    def _past(self, version: int) -> dict[Key, Object]:
        items: dict[Key, Object] = {}
        for change in self.history:
            if change.version > version:
                break
            metadata = (change.after or change.before or {})["metadata"]
            key = change.resource, metadata.get("namespace", ""), metadata["name"]
            if change.after is None:
                items.pop(key, None)
            else:
                items[key] = change.after
        return items

    def _timestamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_status(now: Object, wanted: Object) -> Object:
    rest = {key: value for key, value in now.items() if key != "status"} | {"metadata": dict(now["metadata"])}
    return {**rest, "status": wanted["status"]} if "status" in wanted else rest


def _without_status(now: Object, wanted: Object) -> Object:
    kept = {key: now["metadata"][key] for key in (*KEPT, "resourceVersion") if key in now["metadata"]}
    own = {key: value for key, value in wanted["metadata"].items() if key not in KEPT}
    item = {**wanted, "apiVersion": now["apiVersion"], "kind": now["kind"], "metadata": {**own, **kept}}
    item.pop("status", None)
    if "status" in now:
        item["status"] = now["status"]
    if _spec(item) != _spec(now):
        item["metadata"]["generation"] += 1
    return item


def _spec(item: Object) -> Object:
    return {key: value for key, value in item.items() if key not in ("metadata", "status")}


def _is_free(resource: Resource, item: Object) -> bool:
    held: Sequence[str] = item["metadata"].get("finalizers", ())
    return not held and not (resource == PODS and "nodeName" in item.get("spec", {}))
