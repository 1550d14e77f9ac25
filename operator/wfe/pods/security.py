"""Who containers are, and what they may: Pod Security "restricted", unless the administrator names their namespace."""

from typing import Any, Final

from wfe.pods.settings import PodSettings

USER: Final = 65532
_SECCOMP: Final = {"type": "RuntimeDefault"}


def pod_security(namespace: str, settings: PodSettings) -> dict[str, Any]:
    """Return the security context of a pod; files of volumes belong to the group of its containers."""
    if namespace in settings.root_namespaces:
        return {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0, "seccompProfile": _SECCOMP}
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": _SECCOMP,
    }


def container_security(namespace: str, settings: PodSettings, user: int | None = None) -> dict[str, Any]:
    """Return the security context of a container, which may be another user than its pod's, but never root."""
    context: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": settings.read_only_root,
    }
    if namespace not in settings.root_namespaces:
        context["capabilities"] = {"drop": ["ALL"]}
    if user is not None:
        context |= {"runAsUser": user, "runAsGroup": user, "runAsNonRoot": True}
    return context
