"""What a request is about, by its path and method."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from wfe.kube.resource import PODS, Resource
from wfe.testing.apiserver.objects import Object, Validate
from wfe.testing.apiserver.refusals import Refused
from wfe.testing.apiserver.selectors import Matches, by_fields, by_labels

ALWAYS_SELECTABLE = ("metadata.name", "metadata.namespace")
SELECTABLE_OF_PODS = ("status.phase", "spec.nodeName")


@dataclass(frozen=True)
class Served:
    """A resource with more than the usual: fields to select by, a rule to keep.

    `validate` is given an object and what it was before (None: it is new), and returns what is wrong with it.
    """

    resource: Resource
    selectable: tuple[str, ...] = ()
    validate: Validate | None = None


@dataclass(frozen=True)
class Target:
    """What a path is about."""

    served: Served
    namespace: str | None
    name: str | None
    subresource: str

    @property
    def resource(self) -> Resource:
        return self.served.resource


class Targets:
    """The resources that are served, by their paths."""

    def __init__(self, served: Iterable[Served]) -> None:
        self.served = list(served)
        self._by_place = {_place(item.resource): item for item in self.served}

    def at(self, path: str) -> Target:
        """Return what is there.

        Raises:
            Refused: nothing that is served.
        """
        parts = path.strip("/").split("/")
        core = parts[0] == "api"
        place, rest = (("", *parts[1:2]), parts[2:]) if core else (tuple(parts[1:3]), parts[3:])
        namespace = None
        # `namespaces/NAME` and its subresources are about the namespace itself.
        if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        served = self._by_place.get((*place, rest[0])) if rest else None
        if served is None:
            raise Refused(404, f"the server could not find the requested resource {path}")
        name, subresource = [*rest[1:3], "", ""][:2]
        return Target(served, namespace, name or None, subresource)


def _place(resource: Resource) -> tuple[str, ...]:
    return resource.group, resource.version, resource.plural


def verb_of(request: web.Request, target: Target) -> str:
    """Return the verb as in RBAC, and `exec` and `log` for those subresources."""
    if target.subresource in ("exec", "log"):
        return target.subresource
    if request.method == "GET":
        if request.query.get("watch") == "true":
            return "watch"
        return "list" if target.name is None else "get"
    if request.method == "DELETE" and target.name is None:
        return "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[request.method]


def selection_of(request: web.Request, target: Target) -> Matches:
    """Return which objects a list, a watch or a delete is about."""
    selectable = {*ALWAYS_SELECTABLE, *target.served.selectable}
    if target.resource == PODS:
        selectable.update(SELECTABLE_OF_PODS)
    labels = by_labels(request.query.get("labelSelector", ""))
    fields = by_fields(request.query.get("fieldSelector", ""), selectable)

    def matches(item: Object) -> bool:
        if target.namespace is not None and item["metadata"].get("namespace") != target.namespace:
            return False
        return labels(item) and fields(item)

    return matches


def shape_of(request: web.Request) -> Callable[[Object], Object]:
    """Return how objects are to be shown: as they are, or their metadata alone."""
    if "as=PartialObjectMetadata" not in request.headers.get("Accept", ""):
        return lambda item: item
    kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return lambda item: {**kind, "metadata": item["metadata"]}
