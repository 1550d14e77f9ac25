"""As much of a pod as the executor looks at."""

from collections.abc import Iterator, Mapping

import msgspec

from wfe.kube.metadata import ObjectMeta
from wfe.kube.pods import Condition, ContainerStatus, PodStatus


class Resources(msgspec.Struct, frozen=True, rename="camel"):
    """What a container may use."""

    limits: Mapping[str, str] = {}


class Container(msgspec.Struct, frozen=True, rename="camel"):
    """A container as it was asked for."""

    name: str
    image: str = ""
    resources: Resources = Resources()


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What was asked for."""

    node_name: str = ""
    containers: list[Container] = []
    init_containers: list[Container] = []


class RunnerPod(msgspec.Struct, frozen=True, rename="camel"):
    """The pod of a tree; the kind to give to an informer."""

    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def uid(self) -> str:
        return self.metadata.uid

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more, or ever will."""
        return self.status.phase in ("Failed", "Succeeded")

    @property
    def is_ending(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    def container(self, name: str) -> ContainerStatus | None:
        """Return what is known of a container, a service's too."""
        every = (*self.status.container_statuses, *self.status.init_container_statuses)
        return next((status for status in every if status.name == name), None)

    def limit(self, container: str, resource: str) -> str:
        """Return what a container may use of a resource, as it was asked for."""
        found = (each for each in self.spec.containers if each.name == container)
        return next((each.resources.limits.get(resource, "") for each in found), "")

    def said(self, *types: str) -> Iterator[Condition]:
        """Yield the conditions of these types."""
        return (condition for condition in self.status.conditions if condition.type in types)
