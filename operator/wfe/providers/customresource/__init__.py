"""Custom resources of Kubernetes: the store of a namespace, leases, the archive of logs. `kubernetes:NAMESPACE`"""

from wfe.providers.customresource.errors import ObjectGone
from wfe.providers.customresource.events import event_in
from wfe.providers.customresource.kinds import EventObject, InstanceObject, instance_object
from wfe.providers.customresource.leases import KubernetesLeases, lasting_leases
from wfe.providers.customresource.logs import LogArchive
from wfe.providers.customresource.names import INSTANCES, WORKFLOW_EVENTS, WORKFLOWS
from wfe.providers.customresource.provider import KubernetesProvider, from_url
from wfe.providers.customresource.store import CustomResourceStore

__all__ = [
    "INSTANCES",
    "WORKFLOWS",
    "WORKFLOW_EVENTS",
    "CustomResourceStore",
    "EventObject",
    "InstanceObject",
    "KubernetesLeases",
    "KubernetesProvider",
    "LogArchive",
    "ObjectGone",
    "event_in",
    "from_url",
    "instance_object",
    "lasting_leases",
]
