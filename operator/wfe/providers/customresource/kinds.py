"""Objects as caches hold them: the fields that decide something.

Whatever a user can write is of a type that holds all that the API server lets through, so that one strange object
stops no list.
"""

from typing import Any

import msgspec


class Owner(msgspec.Struct, rename="camel", gc=False):
    """One owner of an object."""

    name: str = ""
    uid: str = ""
    kind: str = ""


class Metadata(msgspec.Struct, rename="camel"):
    """What every object says of itself."""

    name: str
    uid: str = ""
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[Owner, ...] = ()


class InstanceSpec(msgspec.Struct, rename="camel"):
    """What a user wants of an instance."""

    workflow_ref: Any = None
    inputs: Any = None
    variables: Any = None
    desired_state: Any = "Running"
    resumes: Any = 0
    ttl_after_finished: Any = None
    retry_of: Any = None
    reference: Any = None
    parent: Any = None


class Engine(msgspec.Struct, rename="camel"):
    """The engine's part of a status; see `layout` for what the fields mean."""

    id: str = ""
    created: str = ""
    revision: int = -1
    saved: str = ""
    head: str = ""
    parts: dict[str, str] = {}
    chunks: list[str] = []
    gone: list[str] = []
    ring: dict[str, str] = {}
    history: list[str] = []
    archived: int = 0
    inbox: dict[str, str] = {}
    posted: int = 0


class Runner(msgspec.Struct, rename="camel", gc=False):
    """The place of an instance's processes."""

    pod: Any = None
    uid: Any = None
    epoch: int = 0


class InstanceStatus(msgspec.Struct, rename="camel"):
    """The status of an instance."""

    active: Any = None
    phase: str = ""
    reason: Any = None
    message: Any = None
    resumes: Any = 0
    observed_generation: Any = 0
    started_at: Any = None
    finished_at: Any = None
    workflow: Any = None
    recent: list[str] = []
    conditions: list[dict[str, Any]] = []
    runner: Runner | None = None
    engine: Engine | None = None


class InstanceObject(msgspec.Struct):
    """A WorkflowInstance."""

    metadata: Metadata
    spec: InstanceSpec = msgspec.field(default_factory=InstanceSpec)
    status: InstanceStatus = msgspec.field(default_factory=InstanceStatus)

    @property
    def id(self) -> str:
        """The id of the instance: its object's uid, or what its first save says."""
        return self.status.engine.id if self.status.engine else self.metadata.uid

    @property
    def version(self) -> int:
        """The resource version as the number it is."""
        return int(self.metadata.resource_version or 0)


class EventSpec(msgspec.Struct, rename="camel"):
    """A published event, or the report of an activity."""

    event: Any = None
    key: Any = ""
    payload: Any = None
    payload_json: Any = None
    published_at: Any = None
    expires_after: Any = None
    activity: Any = None
    outcome: Any = None
    outputs: Any = None
    outputs_json: Any = None
    error: Any = None


class EventObject(msgspec.Struct):
    """A WorkflowEvent."""

    metadata: Metadata
    spec: EventSpec = msgspec.field(default_factory=EventSpec)


def event_object(found: Any) -> EventObject:
    """Return an event of the API server as a typed object."""
    return msgspec.convert(found, EventObject, strict=False)


def instance_object(found: Any) -> InstanceObject:
    """Return an answer of the API server as a typed object."""
    return msgspec.convert(found, InstanceObject, strict=False)
