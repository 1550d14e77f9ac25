"""The volumes of pods: the workspace, HOME and /tmp, what the supervisor keeps, secrets as files."""

from collections.abc import Iterable
from typing import Any, Final

from wfe.pods.home import Home
from wfe.pods.needs import NeedsRefused, Secret, Workspace, WorkspaceKind
from wfe.pods.quantities import bytes_of, memory_text
from wfe.pods.settings import PodSettings
from wfe.supervisor.pod import (
    OUT,
    OUT_VOLUME,
    STATE,
    STATE_SIZE,
    STATE_VOLUME,
    secret_directory,
    secret_volume,
)

WORKSPACE_VOLUME: Final = "workspace"
HOME_VOLUME: Final = "wfe-home"
TEMPORARY_VOLUME: Final = "wfe-tmp"
HOME_DIRECTORY: Final = "/wfe/home"
TEMPORARY: Final = "/tmp"  # noqa: S108  # a mount of its own
# Readable for the group of the pod, which is all that its user has in common with a mounted secret.
SECRET_MODE: Final = 0o440
FILE_MODE: Final = 0o444


def empty(name: str, size: int, *, in_memory: bool = False) -> dict[str, Any]:
    """Return a volume that begins empty and ends with its pod."""
    medium = {"medium": "Memory"} if in_memory else {}
    return {"name": name, "emptyDir": {**medium, "sizeLimit": memory_text(size)}}


def workspace_volume(workspace: Workspace, claim: str, settings: PodSettings) -> dict[str, Any]:
    """Return the volume that steps work in."""
    if workspace.kind is WorkspaceKind.VOLUME:
        return {"name": WORKSPACE_VOLUME, "persistentVolumeClaim": {"claimName": claim}}
    return empty(WORKSPACE_VOLUME, settings.workspace_size)


def own_volumes(settings: PodSettings) -> list[dict[str, Any]]:
    """Return the volumes that every pod of steps has for HOME and temporary files."""
    return [empty(HOME_VOLUME, settings.temporary_size), empty(TEMPORARY_VOLUME, settings.temporary_size)]


def own_mounts(workspace: Workspace) -> list[dict[str, Any]]:
    """Return where every container of steps finds the workspace, HOME and temporary files."""
    return [
        {"name": WORKSPACE_VOLUME, "mountPath": workspace.mount_path},
        {"name": HOME_VOLUME, "mountPath": HOME_DIRECTORY},
        {"name": TEMPORARY_VOLUME, "mountPath": TEMPORARY},
    ]


def supervisor_volumes(settings: PodSettings) -> list[dict[str, Any]]:
    """Return what a supervisor needs (`wfe.supervisor.pod`)."""
    return [
        empty(STATE_VOLUME, bytes_of(STATE_SIZE), in_memory=True),
        empty(OUT_VOLUME, settings.output_size),
    ]


def supervisor_mounts() -> list[dict[str, Any]]:
    """Return where it finds it."""
    return [{"name": STATE_VOLUME, "mountPath": STATE}, {"name": OUT_VOLUME, "mountPath": OUT}]


def secret_volumes(secrets: Iterable[Secret]) -> list[dict[str, Any]]:
    """Return a volume for each secret, with the keys that are asked for and no others."""
    return [
        {
            "name": secret_volume(name),
            "projected": {
                "defaultMode": SECRET_MODE,
                "sources": [{"secret": {"name": name, "items": [{"key": key, "path": key} for key in keys]}}],
            },
        }
        for name, keys in _by_name(secrets).items()
    ]


def secret_mounts(secrets: Iterable[Secret]) -> list[dict[str, Any]]:
    """Return where a container that sees them finds them."""
    return [
        {"name": secret_volume(name), "mountPath": secret_directory(name), "readOnly": True}
        for name in _by_name(secrets)
    ]


def _by_name(secrets: Iterable[Secret]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, key in sorted(set(secrets)):
        found.setdefault(name, []).append(key)
    return found


def volume_claim(home: Home, settings: PodSettings) -> dict[str, Any]:
    """Return the claim of a tree whose workspace is a volume.

    Raises:
        NeedsRefused: it is to be larger than anything may be.
    """
    workspace = home.needs.workspace
    size = workspace.size or settings.workspace_size
    if size > settings.maximum_volume:
        raise NeedsRefused(
            f"shared_volume.size is {memory_text(size)}, and {memory_text(settings.maximum_volume)} is the most here"
        )
    storage_class = workspace.storage_class or settings.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": home.metadata(home.volume_name, "volume"),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": memory_text(size)}},
            **({"storageClassName": storage_class} if storage_class else {}),
        },
    }
