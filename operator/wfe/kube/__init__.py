"""The Kubernetes API: a client, an informer, a keyed work queue, exec streams. No word of workflows."""

from wfe.kube.access import Access, AccessUnclear, find_access
from wfe.kube.client import Client
from wfe.kube.errors import (
    AlreadyExists,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiGone,
    ApiInvalid,
    ApiNotFound,
    ApiUnavailable,
)
from wfe.kube.informer import Informer
from wfe.kube.queue import WorkQueue
from wfe.kube.resource import Resource
from wfe.kube.stream import ExecEnded, ExecStream

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
    "Client",
    "ExecEnded",
    "ExecStream",
    "Informer",
    "Resource",
    "WorkQueue",
    "find_access",
]
