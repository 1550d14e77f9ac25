"""The files of an instance that is retried: its volume moves over to the retry, those in its pod are gone."""

from dataclasses import dataclass
from typing import Final

from wfe.errors import Retryable
from wfe.kube import ApiNotFound, Client
from wfe.kube.resource import PODS, VOLUME_CLAIMS
from wfe.pods import labels
from wfe.pods.home import Home
from wfe.pods.needs import WorkspaceKind


class StillUsed(Retryable):
    """Pods of the instance that is retried have its volume."""


@dataclass(frozen=True, slots=True)
class Heritage:
    """Hands volumes over."""

    client: Client

    async def take(self, home: Home, source: str) -> bool:
        """Make the volume that a home names its own. False: there is none, or another retry has it.

        Doing it again changes nothing. The volume goes with its new owner from now on.

        Args:
            home: that of the retry.
            source: the id of the instance that is retried.

        Raises:
            StillUsed, ApiConflict: try again.
        """
        if home.needs.workspace.kind is not WorkspaceKind.VOLUME:
            return False
        try:
            claim = await self.client.get(VOLUME_CLAIMS, home.volume_name, home.namespace)
        except ApiNotFound:
            return False
        metadata = claim["metadata"]
        owners = {owner["uid"] for owner in metadata.get("ownerReferences", ())}
        if home.owner.uid in owners:
            return True
        if source not in owners or metadata.get("deletionTimestamp"):
            return False
        await self._await_pods(home.namespace, source)
        ours = home.metadata(home.volume_name, "volume")
        await self.client.patch(
            VOLUME_CLAIMS,
            home.volume_name,
            home.namespace,
            {"metadata": {key: ours[key] for key in ("labels", "ownerReferences")}},
            resource_version=metadata["resourceVersion"],
        )
        return True

    async def _await_pods(self, namespace: str, source: str) -> None:
        selector = f"{labels.ROOT}={source}"
        async for pod in self.client.list(PODS, namespace, labels=selector, metadata_only=True):
            raise StillUsed(
                f"pod {pod['metadata']['name']} of the instance that is retried is still going away"
            )


WHY_NOT: Final = {
    WorkspaceKind.POD: "they were in its pod; with a `shared_volume` they would be there",
    WorkspaceKind.VOLUME: (
        "its volume is gone, or another retry has it; start a new instance if steps need them"
    ),
}


def not_carried(home: Home, name: str) -> str:
    """Say that files of an instance are lost to its retry, and the way out; "" if its steps share none."""
    why = WHY_NOT.get(home.needs.workspace.kind)
    said = f"outputs of steps that completed in `{name}` are carried over, their files are not"
    return f"{said}: {why}" if why else ""
