"""Where what steps write goes until their instance has ended, and then: the log archive of each namespace."""

from dataclasses import dataclass, field

from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.kube import Client
from wfe.model.instance import Instance
from wfe.ports.logs import Segment
from wfe.providers.customresource.logs import LogArchive


@dataclass(slots=True)
class Archives:
    """Sends each segment to the archive of its instance's namespace."""

    client: Client
    homes: TreeHomes
    _archives: dict[str, LogArchive] = field(default_factory=dict)

    async def write(self, segment: Segment) -> None:
        """Keep a segment; `kubectl logs` has those of instances that nobody here knows any more."""
        namespace = self.homes.namespace_of(segment.key.instance)
        if namespace is not None:
            await self._of(namespace).write(segment)

    async def keep(self, namespace: str, instance: Instance, name: str, uid: str) -> None:
        """Put the log of an instance that has ended away, with its object."""
        await self._of(namespace).flush(instance.id, name=name, uid=uid, root=instance.root)

    def forget(self, namespace: str, instance: str) -> None:
        """Drop what is held of an instance."""
        self._of(namespace).forget(instance)

    def _of(self, namespace: str) -> LogArchive:
        if namespace not in self._archives:
            self._archives[namespace] = LogArchive(self.client, namespace)
        return self._archives[namespace]
