"""What a pod's status means for steps that are to run in one of its containers. Pure."""

from dataclasses import dataclass
from typing import Final

from wfe.executors.runner.shapes import RunnerPod
from wfe.kube.pods import ContainerStatus

# Reasons of the kubelet for a container that will not start unless somebody does something.
_IMAGE: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_HOPELESS: Final = frozenset({"InvalidImageName"})
_CONFIG: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_CRASHED: Final = frozenset({"CrashLoopBackOff"})
_GONE_CONDITIONS: Final = ("DisruptionTarget",)


@dataclass(frozen=True, slots=True)
class Up:
    """The container runs, and so do all services."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Nothing is wrong; wait."""

    what: str


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """No node takes the pod so far."""

    message: str


@dataclass(frozen=True, slots=True)
class NotReady:
    """These services run, or try to, and are not ready."""

    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A container does not start, and perhaps never will; `service` is its name, if it is one."""

    message: str
    service: str = ""
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing of the pod runs any more."""

    message: str


Seen = Up | Coming | Unscheduled | NotReady | Blocked | Over


def look(pod: RunnerPod, container: str) -> Seen:
    """Tell how things stand with a container of a pod."""
    if pod.is_over:
        return Over(why_gone(pod))
    for condition in pod.said("PodScheduled"):
        if condition.status == "False":
            return Unscheduled(condition.message or condition.reason)
    return _services(pod) or _container(pod, container)


def why_gone(pod: RunnerPod) -> str:
    """Say why a pod went away, as far as anybody said it."""
    said = pod.status.message or pod.status.reason
    for condition in pod.said(*_GONE_CONDITIONS):
        if condition.status == "True":
            said = said or condition.message or condition.reason
    if pod.status.reason == "Evicted":
        return f"its pod was evicted: {said}"
    if pod.is_ending:
        return f"its pod was deleted{f': {said}' if said else ''}"
    return f"its pod ended{f': {said}' if said else ''}"


def may_be_alive(pod: RunnerPod) -> bool:
    """Tell whether a pod that is no more in the API may still run: nobody who would know said that it ended."""
    if pod.is_over or not pod.spec.node_name:
        return False
    return any(status.state.running is not None for status in pod.status.container_statuses)


def was_out_of_memory(status: ContainerStatus) -> bool:
    """Tell whether a container ended for want of memory, the last time or just now."""
    ends = (status.state.terminated, status.last_state.terminated)
    return any(end is not None and end.reason == "OOMKilled" for end in ends)


def _services(pod: RunnerPod) -> Seen | None:
    statuses = {status.name: status for status in pod.status.init_container_statuses}
    late = []
    for service in pod.spec.init_containers:
        status = statuses.get(service.name)
        if status is None:
            return Coming("its services are about to start")
        if status.started is True and status.state.running is not None:
            continue
        blocked = _blocked(status, service.image, service=service.name)
        if blocked is not None:
            return blocked
        if status.state.running is not None or status.restart_count:
            late.append(service.name)
        elif not late:
            return Coming(f"service `{service.name}` is about to start")
    return NotReady(tuple(late)) if late else None


def _container(pod: RunnerPod, name: str) -> Seen:
    image = next((each.image for each in pod.spec.containers if each.name == name), "")
    status = pod.container(name)
    if status is None:
        return Coming("its container is about to start")
    if status.state.running is not None:
        return Up()
    return _blocked(status, image) or Coming("its container is about to start")


def _blocked(status: ContainerStatus, image: str, *, service: str = "") -> Blocked | None:
    waiting = status.state.waiting
    if waiting is None:
        return None
    said = f": {waiting.message}" if waiting.message else f" ({waiting.reason})"
    if waiting.reason in _IMAGE:
        message = (
            f"image `{image}` does not come{said}; look at its name, whether its registry can be reached from the "
            "nodes, and whether it needs pull secrets"
        )
        return Blocked(message, service, hopeless=waiting.reason in _HOPELESS)
    if waiting.reason in _CONFIG:
        return Blocked(
            f"the container of image `{image}` cannot be made{said}; if a Secret or one of its keys is missing, "
            "create it; if the image has no /bin/sh, give the step `isolation: pod`",
            service,
        )
    # A service that crashes is one that is not ready; its own time tells when that is enough.
    if waiting.reason in _CRASHED and not service:
        ended = status.last_state.terminated
        # After want of memory it comes back by itself, later each time.
        if ended is not None and ended.reason in ("StartError", "ContainerCannotRun"):
            return Blocked(
                f"the container of image `{image}` does not start: {ended.message}; runners need a /bin/sh in it, "
                "a step without one needs `isolation: pod`"
            )
    return None
