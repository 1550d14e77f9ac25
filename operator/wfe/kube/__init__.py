"""The Kubernetes API: a client, an informer, a keyed work queue, exec streams. No word of workflows."""

from wfe.kube.access import Access
from wfe.kube.client import Client
from wfe.kube.errors import (
    AccessUnclear,
    AlreadyExists,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiGone,
    ApiInvalid,
    ApiNotFound,
    ApiUnavailable,
)
from wfe.kube.finding import find_access
from wfe.kube.informer import Informer
from wfe.kube.metadata import MetadataOnly, ObjectMeta, OwnerReference
from wfe.kube.queue import WorkQueue
from wfe.kube.resource import Resource
from wfe.kube.stream import CannotHalfClose, ExecEnded, ExecStream

__all__ = [
    "Access",
    "AccessUnclear",
    "AlreadyExists",
    "ApiConflict",
    "ApiError",
    "ApiForbidden",
    "ApiGone",
    "ApiInvalid",
    "ApiNotFound",
    "ApiUnavailable",
    "CannotHalfClose",
    "Client",
    "ExecEnded",
    "ExecStream",
    "Informer",
    "MetadataOnly",
    "ObjectMeta",
    "OwnerReference",
    "Resource",
    "WorkQueue",
    "find_access",
]
