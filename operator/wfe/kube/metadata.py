"""Parts of objects that many readers need, for partial structs."""

from collections.abc import Mapping
from datetime import datetime

import msgspec


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """Whom an object belongs to."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class ObjectMeta(msgspec.Struct, frozen=True, rename="camel"):
    """What every object has, but for `managedFields`, which may be half of it."""

    name: str
    uid: str
    resource_version: str
    namespace: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    deletion_grace_period_seconds: int | None = None
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    finalizers: list[str] = []
    owner_references: list[OwnerReference] = []


class MetadataOnly(msgspec.Struct, frozen=True):
    """An object of which only the metadata matter."""

    metadata: ObjectMeta
