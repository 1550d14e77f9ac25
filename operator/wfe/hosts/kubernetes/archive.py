"""Where what steps write goes until their instance has ended, and then."""

from wfe.hosts.kubernetes.ground import Archive
from wfe.hosts.kubernetes.homes import Place
from wfe.kube import Client
from wfe.model.instance import Instance
from wfe.ports.logs import Segment


class NoArchive:
    """Keeps nothing: `kubectl logs` shows what the containers of a pod wrote, as long as there is the pod."""

    async def write(self, segment: Segment) -> None: ...

    async def keep(self, place: Place, instance: Instance) -> None: ...

    def forget(self, instance: str) -> None: ...


def archive_for(client: Client) -> Archive:
    """Return the archive of a term."""
    del client
    return NoArchive()
