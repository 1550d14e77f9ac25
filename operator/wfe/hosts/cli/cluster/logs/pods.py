"""The containers in which the steps of an instance tree run, and what they print."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from wfe.hosts.cli.cluster.logs.lines import Line, Reader
from wfe.hosts.cli.cluster.room import Room
from wfe.kube import ApiInvalid, ApiNotFound
from wfe.kube.resource import PODS
from wfe.pods import labels

STAMPED: Final = {"timestamps": "true"}


@dataclass(frozen=True, slots=True)
class Container:
    """One run of a container. `step` is the only step that runs in it, if it is an isolated pod's."""

    pod: str
    uid: str
    name: str
    restarts: int
    step: str | None = None


async def containers(room: Room, root: str) -> list[Container]:
    """Return the containers of an instance tree that have started, those of services left out."""
    selection = f"{labels.ROOT}={root},{labels.ROLE} in ({labels.RUNNER},{labels.ATTEMPT})"
    return [
        one async for pod in room.client.list(PODS, room.namespace, labels=selection) for one in started(pod)
    ]


def started(pod: Mapping[str, Any]) -> list[Container]:
    """Return the containers of a pod that have started. Pure."""
    metadata = pod["metadata"]
    is_isolated = metadata.get("labels", {}).get(labels.ROLE) == labels.ATTEMPT
    step = _shown(metadata.get("annotations", {})) if is_isolated else None
    return [
        Container(metadata["name"], metadata["uid"], status["name"], status.get("restartCount", 0), step)
        for status in pod.get("status", {}).get("containerStatuses", ())
        if "waiting" not in status.get("state", {"waiting": {}})
    ]


def _shown(notes: Mapping[str, str]) -> str | None:
    """Return what stands before the lines of an attempt with a pod of its own."""
    path = notes.get(labels.SHOWN) or notes.get(labels.STEP)
    number = notes.get(labels.ATTEMPT_NUMBER, "1")
    return path if path is None or number == "1" else f"{path}#{number}"


async def printed(
    room: Room, container: Container, reader: Reader, *, follow: bool
) -> AsyncGenerator[Line, None]:
    """Yield what a container has printed; with `follow`, what it prints until it ends.

    Raises:
        ApiUnavailable: the stream was cut; the same reader goes on where it was.
    """
    stream = room.client.log(container.pod, room.namespace, container.name, follow=follow, params=STAMPED)
    try:
        async with aclosing(stream) as pieces:  # type: ignore[type-var]  # it is a generator
            async for piece in pieces:
                for line in reader.read(piece):
                    yield line
        for line in reader.finish():
            yield line
    except (ApiNotFound, ApiInvalid):
        # The pod is gone, or its container is between two lives: the kept log has the rest.
        return
