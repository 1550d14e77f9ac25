"""A namespace of a cluster as a provider of its own, for tools and tests: it brings its client and informers.

The operator does not use it: there the client and the informers are shared between namespaces.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

from wfe.errors import StoreUnavailable
from wfe.kube import Client, Informer, find_access
from wfe.ports.provider import Provider
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.events import LIFE
from wfe.providers.customresource.kinds import EventObject, InstanceObject
from wfe.providers.customresource.leases import KubernetesLeases, Observations
from wfe.providers.customresource.names import INSTANCES, WORKFLOW_EVENTS
from wfe.providers.customresource.store import CustomResourceStore

SYNC_SECONDS = 30.0


class StandaloneStore(CustomResourceStore):
    """A store that runs its informers while it is open."""

    def __init__(self, client: Client, namespace: str, *, event_life: timedelta = LIFE) -> None:
        self._client = client
        self._own = (
            Informer(client, INSTANCES, InstanceObject, namespaces=[namespace]),
            Informer(client, WORKFLOW_EVENTS, EventObject, namespaces=[namespace]),
        )
        instances, events = self._own
        super().__init__(client, namespace, instances=instances, events=events, event_life=event_life)
        self._following: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        with translated("connecting"):
            await self._client.open()
        self._following = [asyncio.create_task(informer.run()) for informer in self._own]
        try:
            async with asyncio.timeout(SYNC_SECONDS):
                await super().open()
        except TimeoutError as error:
            await self.close()
            raise StoreUnavailable(
                "the API server has not listed the instances; is WFE installed?"
            ) from error

    async def close(self) -> None:
        await super().close()
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        self._following = []
        await self._client.close()


class KubernetesProvider(Provider):
    """One namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._observations = Observations()
        self.store: StandaloneStore = StandaloneStore(client, namespace)

    def leases(self, holder: str, *, now: Callable[[], datetime]) -> KubernetesLeases:
        """Return leases in the namespace; they work while the store is open."""
        return KubernetesLeases(
            self._client, self._namespace, holder, now=now, observations=self._observations
        )


def from_url(url: str) -> KubernetesProvider:
    """Return the provider for `kubernetes:NAMESPACE`, or `kubernetes:NAMESPACE?kubeconfig=PATH&context=NAME`."""
    place, _, query = url.removeprefix("kubernetes:").removeprefix("//").partition("?")
    options = parse_qs(query, strict_parsing=bool(query))
    if not options.keys() <= {"kubeconfig", "context"}:
        raise ValueError("has options that nobody knows; there are `kubeconfig` and `context`")
    kubeconfig = options.get("kubeconfig", [None])[-1]
    access = find_access(
        kubeconfig=Path(kubeconfig) if kubeconfig else None, context=options.get("context", [None])[-1]
    )
    namespace = place or access.namespace
    if not namespace:
        raise ValueError("names no namespace; use `kubernetes:NAMESPACE`")
    return KubernetesProvider(Client(access), namespace)
