"""Objects of Kubernetes as the operator's caches hold them, besides instances: the few fields that it decides by.

Whatever a user can write is of a type that holds all that the API server lets through, so that one strange object
stops no list. The text of a workflow is not kept: it is read when it has changed.
"""

from typing import Any

import msgspec

from wfe.providers.customresource.kinds import Metadata


class Condition(msgspec.Struct, rename="camel", gc=False):
    """One condition of a Workflow."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class WorkflowStatus(msgspec.Struct, rename="camel"):
    """The status of a Workflow."""

    observed_generation: Any = 0
    conditions: list[Condition] = []


class WorkflowObject(msgspec.Struct):
    """A Workflow, without its text."""

    metadata: Metadata
    status: WorkflowStatus = msgspec.field(default_factory=WorkflowStatus)


class ContainerStatus(msgspec.Struct, rename="camel"):
    """How a container is."""

    name: str = ""
    restart_count: int = 0
    state: dict[str, Any] = {}
    last_state: dict[str, Any] = {}


class PodStatus(msgspec.Struct, rename="camel"):
    """How a pod is."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []


class PodObject(msgspec.Struct):
    """A pod that the operator made."""

    metadata: Metadata
    status: PodStatus = msgspec.field(default_factory=PodStatus)
