"""Services as native sidecars: init containers that go on running, so that steps start once all of them are ready."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from math import ceil
from posixpath import normpath
from typing import Any, Final

from wfe.definition.services import Readiness, Service
from wfe.expr.duration import parse_duration
from wfe.expr.template import as_text
from wfe.model.json import Json
from wfe.pods.frame import literal
from wfe.pods.home import Home
from wfe.pods.needs import checked_path, checked_secret
from wfe.pods.resources import resources, service_limit
from wfe.pods.security import container_security
from wfe.pods.settings import PodSettings
from wfe.pods.volumes import TEMPORARY, empty
from wfe.supervisor.pod import secret_volume

LOCALHOST: Final = "127.0.0.1"
_PROBE_SECONDS: Final = 5


def sidecar(
    home: Home, name: str, service: Service, settings: PodSettings, *, taken: Collection[str]
) -> dict[str, Any]:
    """Return the container of a service; `taken` are the names of the containers of steps.

    Raises:
        NeedsRefused: there can be no such container.
    """
    container: dict[str, Any] = {
        "name": service_container(name, taken),
        "image": service.image,
        "imagePullPolicy": settings.pull_policy,
        "restartPolicy": "Always",
        "env": [_variable(key, value) for key, value in service.env.items()],
        "ports": [{"containerPort": port} for port in dict.fromkeys(service.ports)],
        "resources": resources(service_limit(name, service, settings), settings),
        "securityContext": container_security(home.namespace, settings, service.run_as_user),
        "volumeMounts": [
            {"name": volume, "mountPath": path} for volume, path in _data(name, service, settings)
        ],
    }
    if service.command:
        container["command"] = [literal(word) for word in service.command]
    if service.args:
        container["args"] = [literal(word) for word in service.args]
    probe = _probe(service)
    return container | ({"startupProbe": probe} if probe else {})


def service_container(name: str, taken: Collection[str]) -> str:
    """Name the container of a service: like itself, unless steps have a container of that name."""
    return f"{name[:54]}-service" if name in taken else name


def data_volumes(home: Home, settings: PodSettings) -> list[dict[str, Any]]:
    """Return the volumes of the directories that services write to."""
    return [
        empty(volume, settings.temporary_size)
        for name, service in home.needs.services.items()
        for volume, _ in _data(name, service, settings)
    ]


def host_aliases(home: Home) -> list[dict[str, Any]]:
    """Return what makes services reachable by their names."""
    names = sorted(home.needs.services)
    return [{"ip": LOCALHOST, "hostnames": names}] if names else []


def _data(name: str, service: Service, settings: PodSettings) -> Iterator[tuple[str, str]]:
    paths = [checked_path(path, f"service `{name}`: data") for path in service.data]
    if settings.read_only_root and TEMPORARY not in map(normpath, paths):
        paths.append(TEMPORARY)
    for index, path in enumerate(dict.fromkeys(paths)):
        # A service's name may be as long as that of a volume.
        yield secret_volume(name).replace("wfe-secret", f"data-{index}", 1), path


def _variable(name: str, value: Json) -> dict[str, Any]:
    match value:
        case {"secret": {"name": str(secret), "key": str(key)}}:
            checked_secret(secret, key)
            return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        case None:
            return {"name": name, "value": ""}
        case _:
            return {"name": name, "value": literal(as_text(value))}


def _probe(service: Service) -> dict[str, Any] | None:
    ready = service.readiness or Readiness.model_validate({})
    action = _action(ready, service)
    if action is None:
        return None
    interval = max(1, ceil(parse_duration(ready.interval).total_seconds()))
    within = max(1, ceil(ready_within(service).total_seconds()))
    return {
        **action,
        "periodSeconds": interval,
        "timeoutSeconds": _PROBE_SECONDS,
        # The instance has failed by then; the kubelet is not to start it anew before.
        "failureThreshold": ceil(within / interval) + 1,
    }


def _action(ready: Readiness, service: Service) -> dict[str, Any] | None:
    if ready.exec is not None:
        return {"exec": {"command": list(ready.exec)}}
    if ready.http is not None:
        return {"httpGet": {"port": ready.http.port, "path": ready.http.path}}
    port = ready.tcp or next(iter(service.ports), None)
    return None if port is None else {"tcpSocket": {"port": port}}


def ready_within(service: Service) -> timedelta:
    """Return how long a service may take until it is ready; then the instance has failed."""
    return parse_duration((service.readiness or Readiness.model_validate({})).timeout)
