"""Making the pod of a tree, or finding it."""

from typing import Any

from wfe.errors import Permanent, Retryable
from wfe.executors.runner.homes import RunnerSettings
from wfe.executors.runner.pods import Pods
from wfe.executors.runner.shapes import RunnerPod
from wfe.kube import AlreadyExists, ApiConflict, ApiForbidden, ApiInvalid, ApiNotFound, Client
from wfe.kube.resource import PODS, VOLUME_CLAIMS, Resource
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance
from wfe.pods.guard import check
from wfe.pods.home import Home
from wfe.pods.needs import WorkspaceKind
from wfe.pods.runner import runner_pod
from wfe.pods.volumes import volume_claim
from wfe.ports.executor import CannotGoOn


class NotYet(Retryable):
    """There is no place just now, but there will be."""


class NotOurs(Permanent):
    """An object of a name of ours belongs to somebody else."""


class Admission:
    """Pods by derived names: whoever makes one, everybody finds the same."""

    def __init__(self, client: Client, pods: Pods, settings: RunnerSettings) -> None:
        self._client = client
        self._pods = pods
        self._settings = settings
        self.made: set[str] = set()

    async def admit(self, home: Home, instance: Instance) -> RunnerPod:
        """Return the pod of a tree, made if need be.

        Raises:
            CannotGoOn: the workspace that the instance has used is gone.
            NotYet: an earlier pod is still going away.
            Permanent: there will be no pod.
        """
        pod = self._pods.of_root(home.root) or await self._found(home)
        self._check_workspace(home, instance, pod)
        if pod is None:
            pod = await self._make(home)
        return pod

    async def _found(self, home: Home) -> RunnerPod | None:
        pod = await self._pods.read(home.namespace, home.pod_name)
        if pod is None:
            return None
        _check_owner(home, pod.metadata.owner_references, f"pod {home.pod_name}")
        if pod.is_over and not pod.is_ending:
            await self._delete(pod)
        elif not pod.is_ending:
            return pod
        raise NotYet(f"the earlier pod {home.pod_name} is still going away")

    async def _make(self, home: Home) -> RunnerPod:
        if home.needs.workspace.kind is WorkspaceKind.VOLUME:
            await self._create(VOLUME_CLAIMS, volume_claim(home, self._settings.pods), home)
        manifest = runner_pod(home, self._settings.pods)
        check(manifest, self._settings.pods)
        made = await self._create(PODS, manifest, home)
        if made is None:
            found = await self._found(home)
            if found is None:
                raise NotYet(f"pod {home.pod_name} has just gone away")
            return found
        pod = self._pods.take_in(made)
        self.made.add(pod.uid)
        return pod

    async def _create(self, resource: Resource, body: dict[str, Any], home: Home) -> dict[str, Any] | None:
        """Create an object; None if there is one, which is ours."""
        name = body["metadata"]["name"]
        try:
            return await self._client.create(resource, body, home.namespace)
        except AlreadyExists:
            await self._check_existing(resource, name, home)
            return None
        except ApiForbidden as error:
            if error.is_about_quota:
                raise NotYet(f"{resource.kind} {name}: {error.message}") from error
            raise Permanent(f"{resource.kind} {name} may not be made: {error.message}") from error
        except ApiInvalid as error:
            raise Permanent(f"{resource.kind} {name} is refused: {error.message}") from error

    async def _check_existing(self, resource: Resource, name: str, home: Home) -> None:
        try:
            found = await self._client.get(resource, name, home.namespace)
        except ApiNotFound as error:
            raise NotYet(f"{resource.kind} {name} has just gone away") from error
        owners = found["metadata"].get("ownerReferences", [])
        if not any(owner["uid"] == home.owner.uid for owner in owners):
            raise _not_ours(home, f"{resource.kind} {name}")

    async def _delete(self, pod: RunnerPod) -> None:
        try:
            await self._client.delete(PODS, pod.metadata.name, pod.metadata.namespace, uid=pod.uid)
        except ApiConflict:
            return

    def _check_workspace(self, home: Home, instance: Instance, pod: RunnerPod | None) -> None:
        if home.needs.workspace.kind is not WorkspaceKind.POD or instance.incarnation is None:
            return
        if pod is not None and pod.uid == instance.incarnation:
            return
        if instance.failure is not None and instance.failure.reason is Reason.WORKSPACE_LOST:
            # What is left to do, `ensure` hooks, finds an empty workspace.
            return
        message = (
            "the pod that its steps shared files in is gone, and the files with it; "
            "a `shared_volume` outlives pods, and `workspace: none` says that steps share no files"
        )
        raise CannotGoOn(Failure(reason=Reason.WORKSPACE_LOST, message=message))


def _check_owner(home: Home, owners: list[Any], what: str) -> None:
    if not any(owner.uid == home.owner.uid for owner in owners):
        raise _not_ours(home, what)


def _not_ours(home: Home, what: str) -> NotOurs:
    return NotOurs(
        f"{what} in namespace {home.namespace} does not belong to {home.owner.kind} {home.owner.name}; delete it"
    )
