"""What all pods of steps have in common."""

from collections.abc import Mapping
from typing import Any, Final

from wfe.pods import labels
from wfe.pods.home import Home
from wfe.pods.needs import WorkspaceKind
from wfe.pods.security import pod_security
from wfe.pods.settings import PodSettings
from wfe.pods.volumes import HOME_DIRECTORY, TEMPORARY

HOSTNAME: Final = "kubernetes.io/hostname"


def pod(metadata: Mapping[str, Any], spec: Mapping[str, Any], settings: PodSettings) -> dict[str, Any]:
    """Return a pod with what the settings say of every pod; labels and annotations of ours win."""
    annotations = {**settings.annotations, **metadata.get("annotations", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **metadata,
            "labels": {**settings.labels, **metadata["labels"]},
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {**common_spec(metadata["namespace"], settings), **spec},
    }


def common_spec(namespace: str, settings: PodSettings) -> dict[str, Any]:
    """Return the fields that no workflow has a say in."""
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(namespace, settings),
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [dict(each) for each in settings.tolerations],
        "imagePullSecrets": [{"name": name} for name in settings.pull_secrets],
        "priorityClassName": settings.priority_class,
        "runtimeClassName": settings.runtime_class,
    }
    return {key: value for key, value in spec.items() if value or value is False}


def environment() -> list[dict[str, Any]]:
    """Return the variables by which programs find directories that they may write to."""
    return [{"name": "HOME", "value": HOME_DIRECTORY}, {"name": "TMPDIR", "value": TEMPORARY}]


def same_node(home: Home) -> dict[str, Any]:
    """Return what keeps the pods of a tree with a volume on one node, which is all that may mount it."""
    if home.needs.workspace.kind is not WorkspaceKind.VOLUME:
        return {}
    return {"affinity": affinity_to(home.root)}


def affinity_to(root: str) -> dict[str, Any]:
    """Return the affinity to pods of a tree; the first of them may go anywhere, since it is one itself."""
    term = {"labelSelector": {"matchLabels": {labels.ROOT: root}}, "topologyKey": HOSTNAME}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def literal(text: str) -> str:
    """Write a text so that Kubernetes takes it as it is, and fills in no variable."""
    return text.replace("$", "$$")
