"""As much of a pod's status as its users look at: partial msgspec structs, parts for the kinds of informers."""

from datetime import datetime

import msgspec


class Waiting(msgspec.Struct, frozen=True):
    """Why a container does not run yet, or not again."""

    reason: str = ""
    message: str = ""


class Running(msgspec.Struct, frozen=True, rename="camel"):
    """Since when a container runs."""

    started_at: datetime | None = None


class Terminated(msgspec.Struct, frozen=True, rename="camel"):
    """How a container ended; `message` is its termination message, or why it could not be started."""

    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class State(msgspec.Struct, frozen=True):
    """One of the three."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What the kubelet says of a container."""

    name: str
    image: str = ""
    container_id: str = msgspec.field(default="", name="containerID")
    restart_count: int = 0
    started: bool | None = None
    state: State = State()
    last_state: State = State()


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """What somebody says of a pod."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What there is of a pod, by its kubelet and others."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    start_time: datetime | None = None
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []
