"""Where what steps write goes until their instance has ended, and then: the log archive of each namespace."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.kube import Client
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.pods.home import Home
from wfe.ports.logs import LogSink, Segment
from wfe.providers.customresource.logs import LogArchive


@dataclass(slots=True)
class Archives:
    """Sends each segment to the archive of its instance's namespace, and to a copy, if there is one.

    Attributes:
        copy: never waits.
    """

    client: Client
    homes: TreeHomes
    copy: LogSink | None = None
    _archives: dict[str, LogArchive] = field(default_factory=dict)

    async def write(self, segment: Segment) -> None:
        """Keep a segment; `kubectl logs` has those of instances that nobody here knows any more."""
        namespace = self.homes.namespace_of(segment.key.instance)
        if namespace is not None:
            await self._of(namespace).write(segment)
        if self.copy is not None:
            await self.copy.write(segment)

    async def keep(self, home: Home, instance: Instance) -> None:
        """Have all that came of an instance's log so far in objects, which go with the root of its tree."""
        owner = home.owner
        archive = self._of(home.namespace)
        await archive.flush(instance.id, name=owner.name, uid=owner.uid, root=instance.root)

    def written(self, namespace: str, instance: str, step: str | None) -> AsyncIterator[Segment]:
        """Yield what is kept of the log of an instance, or of one step, in objects and in memory."""
        return self._of(namespace).written(instance, step=step)

    def done(self, namespace: str, keys: Sequence[AttemptKey]) -> None:
        """Attempts of an instance are kept, and will not be read again."""
        self._of(namespace).done(keys)

    def forget(self, namespace: str, instance: str) -> None:
        """Drop what is held of an instance."""
        self._of(namespace).forget(instance)

    def _of(self, namespace: str) -> LogArchive:
        if namespace not in self._archives:
            self._archives[namespace] = LogArchive(self.client, namespace)
        return self._archives[namespace]
