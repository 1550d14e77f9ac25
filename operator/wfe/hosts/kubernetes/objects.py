"""Objects of Kubernetes as the operator's caches hold them: the few fields that it decides by.

Everything a user can write is of a type that holds whatever the API server lets through, so that one strange object
stops no list. Large fields (inputs, the engine's texts) are not kept: whoever needs them reads the object.
"""

from typing import Any

import msgspec


class Owner(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """One owner of an object."""

    name: str = ""
    uid: str = ""
    kind: str = ""


class Metadata(msgspec.Struct, rename="camel", frozen=True):
    """What every object says of itself."""

    name: str
    uid: str = ""
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[Owner, ...] = ()


class Wanted(msgspec.Struct, rename="camel", frozen=True):
    """The spec of an instance, without what it is given."""

    workflow_ref: Any = None
    desired_state: Any = "Running"
    resumes: Any = 0
    ttl_after_finished: Any = None
    retry_of: Any = None
    parent: Any = None


class Begun(msgspec.Struct, frozen=True, gc=False):
    """That an instance has begun is told by its engine's state; what that is, the store reads."""

    revision: Any = None


class Reported(msgspec.Struct, rename="camel", frozen=True):
    """The status of an instance, as far as it decides what the operator does."""

    active: Any = None
    phase: Any = None
    reason: Any = None
    message: Any = None
    resumes: Any = 0
    observed_generation: Any = 0
    finished_at: Any = None
    engine: Begun | None = None


class InstanceObject(msgspec.Struct, frozen=True):
    """A WorkflowInstance."""

    metadata: Metadata
    spec: Wanted = Wanted()
    status: Reported = Reported()


class Condition(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """One condition of a Workflow."""

    type: str = ""
    status: str = ""
    reason: str = ""
    observed_generation: int = 0


class WorkflowStatus(msgspec.Struct, rename="camel", frozen=True):
    """The status of a Workflow."""

    observed_generation: Any = 0
    digest: Any = None
    conditions: tuple[Condition, ...] = ()


class WorkflowObject(msgspec.Struct, frozen=True):
    """A Workflow, without its text."""

    metadata: Metadata
    status: WorkflowStatus = WorkflowStatus()


class ContainerStatus(msgspec.Struct, rename="camel", frozen=True):
    """How a container is."""

    name: str = ""
    restart_count: int = 0
    state: dict[str, Any] = msgspec.field(default_factory=dict)
    last_state: dict[str, Any] = msgspec.field(default_factory=dict)


class PodStatus(msgspec.Struct, rename="camel", frozen=True):
    """How a pod is."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class PodObject(msgspec.Struct, frozen=True):
    """A pod that the operator made."""

    metadata: Metadata
    status: PodStatus = PodStatus()
