"""The pod that the steps of an instance tree share, and pods that wait for a tree."""

from dataclasses import replace
from typing import Any

from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.frame import environment, literal, pod, same_node
from wfe.pods.home import Home
from wfe.pods.needs import Needs, NeedsRefused, StepContainer, Workspace, WorkspaceKind
from wfe.pods.quantities import NoAmount, bytes_of, thousandths_of
from wfe.pods.resources import container_limit, resources
from wfe.pods.security import container_security
from wfe.pods.services import data_volumes, host_aliases, sidecar
from wfe.pods.settings import PodSettings
from wfe.pods.volumes import (
    own_mounts,
    own_volumes,
    secret_mounts,
    secret_volumes,
    supervisor_mounts,
    supervisor_volumes,
    workspace_volume,
)
from wfe.supervisor.pod import TERMINATION_GRACE_SECONDS, VARIABLES, command, container_name


def runner_pod(home: Home, settings: PodSettings) -> dict[str, Any]:
    """Return the runner pod of a tree.

    Raises:
        NeedsRefused: there can be no such pod.
    """
    needs = home.needs
    names = {container.name for container in needs.containers}
    services = [
        sidecar(home, name, service, settings, taken=names) for name, service in needs.services.items()
    ]
    metadata = home.metadata(home.pod_name, labels.RUNNER)
    metadata["annotations"] = {labels.DEFAULT_CONTAINER: needs.containers[0].name}
    spec = {
        **_spec(home.namespace, needs, settings),
        **same_node(home),
        **({"hostAliases": host_aliases(home), "initContainers": services} if services else {}),
    }
    spec["volumes"] = [
        workspace_volume(needs.workspace, home.volume_name, settings),
        *own_volumes(settings),
        *supervisor_volumes(settings),
        *secret_volumes(needs.secrets),
        *data_volumes(home, settings),
    ]
    return pod(metadata, spec, settings)


def pool_pod(settings: PodSettings, *, namespace: str) -> dict[str, Any]:
    """Return a runner pod of the default image that belongs to nobody yet; the API server completes its name."""
    needs = pool_needs(settings)
    metadata = {
        "generateName": labels.POOL_NAMES,
        "namespace": namespace,
        "labels": {labels.MANAGED_BY: labels.WFE, labels.ROLE: labels.POOL},
        "annotations": {labels.DEFAULT_CONTAINER: needs.containers[0].name},
    }
    spec = _spec(namespace, needs, settings)
    spec["volumes"] = [
        workspace_volume(needs.workspace, "", settings),
        *own_volumes(settings),
        *supervisor_volumes(settings),
    ]
    return pod(metadata, spec, settings)


def pool_needs(settings: PodSettings) -> Needs:
    """Return the needs that a pod of the pool satisfies."""
    container = StepContainer(
        image=settings.image, name=container_name(None), memory_unsaid=True, cpu_unsaid=True
    )
    return Needs(default_image=settings.image, containers=(container,))


def is_satisfied_by_pool(needs: Needs, settings: PodSettings) -> bool:
    """Tell whether a pod of the pool will do: one ordinary container, and nothing beside it."""
    if needs.services or needs.secrets or len(needs.containers) > 1:
        return False
    workspace, of_pool = needs.workspace, Workspace()
    mine, (pooled,) = needs.containers[0], pool_needs(settings).containers
    wanted, given = container_limit(mine, settings), container_limit(pooled, settings)
    return (
        mine.image == pooled.image
        and workspace.kind is not WorkspaceKind.VOLUME
        and workspace.mount_path == of_pool.mount_path
        and wanted.memory <= given.memory
        and wanted.cpu <= given.cpu
    )


def container_for(task: ProcessTask, needs: Needs, settings: PodSettings) -> str | None:
    """Return the name of the runner's container that a task runs in; None: it needs a pod of its own."""
    image = task.image or needs.default_image
    container = next((each for each in needs.containers if each.image == image), None)
    if task.isolated or container is None or not _fits(task, container, settings):
        return None
    return container.name


def placed(task: ProcessTask, needs: Needs, settings: PodSettings) -> ProcessTask:
    """Return the task as it has to run: isolated, if the runner has no container for it."""
    return task if container_for(task, needs, settings) is not None else replace(task, isolated=True)


def _fits(task: ProcessTask, container: StepContainer, settings: PodSettings) -> bool:
    limit = container_limit(container, settings)
    files = (each for each in task.private_files.values() if not isinstance(each, str))
    try:
        return (
            {*task.secrets.values(), *files} <= {*container.secrets}
            and (task.memory is None or bytes_of(task.memory) <= limit.memory)
            and (task.cpu is None or thousandths_of(task.cpu) <= limit.cpu)
        )
    except NoAmount as error:
        raise NeedsRefused(f"the step asks for an amount that is none: {error}") from error


def _spec(namespace: str, needs: Needs, settings: PodSettings) -> dict[str, Any]:
    return {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": TERMINATION_GRACE_SECONDS,
        "containers": [_container(namespace, each, needs.workspace, settings) for each in needs.containers],
    }


def _container(
    namespace: str, container: StepContainer, workspace: Workspace, settings: PodSettings
) -> dict[str, Any]:
    uids = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in VARIABLES.items()
    ]
    return {
        "name": container.name,
        "image": container.image,
        "imagePullPolicy": settings.pull_policy,
        "command": [literal(word) for word in command(container.name, copies_output=not container.secrets)],
        "env": [*environment(), *uids],
        "workingDir": workspace.mount_path,
        "resources": resources(container_limit(container, settings), settings),
        "securityContext": container_security(namespace, settings),
        "volumeMounts": [
            *own_mounts(workspace),
            *supervisor_mounts(),
            *secret_mounts(container.secrets),
        ],
    }
