"""The last wall before a pod is created: goes over the finished manifest, whatever made it.

It is an allow-list. What is not named here is refused, and what must be there is missed: fields, kinds of volumes,
security contexts, images, amounts. It shares constants with the builders of manifests, but none of their code.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from wfe.pods import labels
from wfe.pods.quantities import NoAmount, bytes_of, thousandths_of
from wfe.pods.settings import PodSettings
from wfe.pods.shapes import (
    PodRefused,
    Shape,
    each,
    either,
    mapping,
    number,
    only,
    record,
    refuse,
    text,
    texts,
)

_USER: Final = 65532
_NAME: Final = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_PATH: Final = r"/[^:\x00]+"
_DAYS: Final = 400 * 24 * 3600
# Where the kernel's own files are, and where a token of a service account would be.
_NO_MOUNT: Final = re.compile(r"/(proc|sys|dev)(/.*)?|/(var/)?run/secrets(/.*)?")
_POD_NAME: Final = {
    labels.RUNNER: r"wfe-r-[0-9a-f]{20}",
    labels.ATTEMPT: r"wfe-a-[0-9a-f]{20}",
}

__all__ = ["PodRefused", "check"]


def check(manifest: dict[str, Any], settings: PodSettings) -> None:
    """Let a pod pass that is one of ours.

    Raises:
        PodRefused: it is not; the text says where and why.
    """
    record(
        {
            "apiVersion": only("v1"),
            "kind": only("Pod"),
            "metadata": _metadata,
            "spec": mapping(_anything),
        }
    )(manifest, "pod")
    _spec(manifest["metadata"], settings)(manifest["spec"], "spec")
    _names_agree(manifest["spec"])


def _anything(value: Any, place: str) -> None:
    """Allow it, for now."""


def _metadata(metadata: Any, place: str) -> None:
    mapping(_anything)(metadata, place)
    mapping(text(most=63))(metadata.get("labels"), f"{place}.labels")
    role = metadata["labels"].get(labels.ROLE)
    only(labels.RUNNER, labels.ATTEMPT, labels.POOL)(role, f"{place}.labels.{labels.ROLE}")
    common = {"namespace": text(_LABEL), "labels": _anything}
    notes = {"annotations": mapping(text(most=4096))}
    if role == labels.POOL:
        record({**common, "generateName": only(labels.POOL_NAMES)}, notes)(metadata, place)
        return
    owned = {**common, "name": text(_POD_NAME[role]), "ownerReferences": each(_owner(), least=1, most=1)}
    if role == labels.ATTEMPT:
        owned["finalizers"] = only([labels.FINALIZER])
    record(owned, notes)(metadata, place)
    text(_LABEL)(metadata["labels"].get(labels.ROOT), f"{place}.labels.{labels.ROOT}")


def _owner() -> Shape:
    return record(
        {
            "apiVersion": text(r"wfe\.sunbeam\.pt/\w+"),
            "kind": text(r"\w+"),
            "name": text(_NAME),
            "uid": text(r"[-\w]{1,64}"),
            "controller": only(True),
            "blockOwnerDeletion": only(False),
        }
    )


def _spec(metadata: dict[str, Any], settings: PodSettings) -> Shape:
    is_attempt = metadata["labels"][labels.ROLE] == labels.ATTEMPT
    is_root = metadata["namespace"] in settings.root_namespaces
    container = _container(settings, is_root=is_root)
    required: dict[str, Shape] = {
        "automountServiceAccountToken": only(False),
        "enableServiceLinks": only(False),
        "restartPolicy": only("Never" if is_attempt else "Always"),
        "terminationGracePeriodSeconds": number(1, _DAYS),
        "securityContext": only(_pod_security(is_root=is_root)),
        "containers": each(record(*container), least=1, most=1 if is_attempt else 8),
        "volumes": each(_volume()),
        **_as_set(settings),
    }
    optional: dict[str, Shape] = {"affinity": only(_affinity(metadata["labels"].get(labels.ROOT)))}
    if is_attempt:
        required["schedulingGates"] = only([{"name": labels.GATE}])
        optional["activeDeadlineSeconds"] = number(1, 2**31 - 1)
    else:
        alias = record({"ip": only("127.0.0.1"), "hostnames": each(text(_LABEL), least=1)})
        optional["hostAliases"] = each(alias, most=1)
        optional["initContainers"] = each(_sidecar(container))
    return record(required, optional)


def _as_set(settings: PodSettings) -> dict[str, Shape]:
    """Return what the administrator decides, which has to be there, as it was decided."""
    decided: dict[str, Any] = {
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [dict(each) for each in settings.tolerations],
        "imagePullSecrets": [{"name": name} for name in settings.pull_secrets],
        "priorityClassName": settings.priority_class,
        "runtimeClassName": settings.runtime_class,
    }
    return {key: only(value) for key, value in decided.items() if value}


def _pod_security(*, is_root: bool) -> dict[str, Any]:
    seccomp = {"type": "RuntimeDefault"}
    if is_root:
        return {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0, "seccompProfile": seccomp}
    return {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "fsGroup": _USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": seccomp,
    }


def _affinity(root: Any) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {labels.ROOT: root}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


Fields = tuple[dict[str, Shape], dict[str, Shape]]


def _container(settings: PodSettings, *, is_root: bool) -> Fields:
    required: dict[str, Shape] = {
        "name": text(_LABEL),
        "image": _image(settings),
        "imagePullPolicy": only(settings.pull_policy),
        "resources": _resources(settings),
        "securityContext": _security(settings, is_root=is_root),
        "volumeMounts": each(_mount()),
        "env": each(_variable(), most=10_000),
    }
    optional: dict[str, Shape] = {
        "command": texts(),
        "workingDir": text(r"/[^\x00]*"),
        "terminationMessagePath": only("/wfe/result"),
    }
    return required, optional


def _sidecar(container: Fields) -> Shape:
    required, optional = container
    port = record({"containerPort": number(1, 65535)})
    return record(
        {**required, "restartPolicy": only("Always")},
        {**optional, "args": texts(), "ports": each(port), "startupProbe": _probe()},
    )


def _probe() -> Shape:
    seconds = number(1, _DAYS)
    times = {"periodSeconds": seconds, "timeoutSeconds": seconds, "failureThreshold": seconds}
    port = number(1, 65535)
    actions = {
        "exec": record({"command": texts()}),
        "httpGet": record({"port": port, "path": text()}),
        "tcpSocket": record({"port": port}),
    }

    def check(value: Any, place: str) -> None:
        record({}, {**times, **actions})(value, place)
        if len({*actions} & {*value}) != 1:
            raise refuse(place, "is to have one of exec, httpGet and tcpSocket")

    return check


def _security(settings: PodSettings, *, is_root: bool) -> Shape:
    required: dict[str, Shape] = {
        "allowPrivilegeEscalation": only(False),
        "readOnlyRootFilesystem": only(settings.read_only_root),
    }
    if not is_root:
        required["capabilities"] = only({"drop": ["ALL"]})
    user = number(1, 2**31 - 1)
    return record(required, {"runAsUser": user, "runAsGroup": user, "runAsNonRoot": only(True)})


def _image(settings: PodSettings) -> Shape:
    def check(value: Any, place: str) -> None:
        text(r"[^\s\x00]{1,1000}")(value, place)
        if settings.images and value != settings.image and not value.startswith(settings.images):
            raise refuse(place, f"is `{value}`; images here begin with {' or '.join(settings.images)}")

    return check


def _resources(settings: PodSettings) -> Shape:
    memory = _amount(bytes_of, settings.maximum.memory)
    cpu = _amount(thousandths_of, settings.maximum.cpu)
    both = record({"memory": memory, "cpu": cpu})
    return record({"limits": both, "requests": both})


def _amount(read: Callable[[str], int], most: int) -> Shape:
    def check(value: Any, place: str) -> None:
        text()(value, place)
        try:
            amount = read(value)
        except NoAmount as error:
            raise refuse(place, str(error)) from error
        if amount > most:
            raise refuse(place, f"is {value}, which is more than anybody may have here")

    return check


def _variable() -> Shape:
    secret = record({"name": text(_NAME), "key": text(r"[-._a-zA-Z0-9]{1,253}")})
    uid = only({"fieldPath": "metadata.uid"})
    source = _one_of({"secretKeyRef": secret, "fieldRef": uid})
    return either("name", {"value": text(), "valueFrom": source})


def _one_of(shapes: dict[str, Shape]) -> Shape:
    def check(value: Any, place: str) -> None:
        record({}, shapes)(value, place)
        if len(value) != 1:
            raise refuse(place, f"is to have one of {', '.join(shapes)}")

    return check


def _mount() -> Shape:
    def path(value: Any, place: str) -> None:
        text(_PATH)(value, place)
        if _NO_MOUNT.fullmatch(value) or "/../" in f"{value}/":
            raise refuse(place, f"is `{value}`, where nothing may be mounted")

    return record({"name": text(_LABEL), "mountPath": path}, {"readOnly": only(True)})


def _volume() -> Shape:
    item = record({"key": text(r"[-._a-zA-Z0-9]{1,253}"), "path": text(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")})
    source = _one_of(
        {
            "secret": record({"name": text(_NAME), "items": each(item, least=1, most=1000)}),
            "configMap": record({"name": text(r"wfe-a-[-0-9a-f]+")}),
        }
    )
    empty = record({"sizeLimit": _amount(bytes_of, 2**60)}, {"medium": only("Memory")})
    mode = only(0o440, 0o444)
    return either(
        "name",
        {
            "emptyDir": empty,
            "projected": record({"defaultMode": mode, "sources": each(source, least=1, most=1)}),
            "persistentVolumeClaim": record({"claimName": text(r"wfe-v-[0-9a-f]{20}")}),
        },
    )


def _names_agree(spec: dict[str, Any]) -> None:
    """Refuse two of one name, and mounts of what is not there."""
    volumes = _once([volume["name"] for volume in spec["volumes"]], "spec.volumes")
    containers = [*spec.get("initContainers", ()), *spec["containers"]]
    _once([container["name"] for container in containers], "the containers")
    for container in containers:
        place = f"container {container['name']}"
        _once([mount["mountPath"] for mount in container["volumeMounts"]], f"{place}: volumeMounts")
        _once([variable["name"] for variable in container["env"]], f"{place}: env")
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                raise refuse(place, f"mounts `{mount['name']}`, which is no volume of it")


def _once(names: list[str], place: str) -> set[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise refuse(place, f"has `{twice[0]}` twice")
    return set(names)
