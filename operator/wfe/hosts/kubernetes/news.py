"""What happens to instances, as metrics and Kubernetes Events: that they began and ended, and what is out of order."""

from dataclasses import dataclass
from typing import Final

from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.notices import Kind, Notice, Notices, Subject
from wfe.hosts.kubernetes.rooms import Room
from wfe.kube import Informer
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance
from wfe.model.record import InstanceChanged, Lifecycle, StepChanged
from wfe.model.status import InstanceStatus, StepStatus
from wfe.providers.customresource import InstanceObject

# Failures that are not the step's own doing: somebody who runs the cluster may want to know.
ABNORMAL: Final = frozenset({Reason.LOST, Reason.WORKSPACE_LOST, Reason.SERVICE_NOT_READY, Reason.LOG_LIMIT})


@dataclass(frozen=True, slots=True)
class News:
    """Listens to the runtime of a room."""

    room: Room
    instances: Informer[InstanceObject]
    notices: Notices
    metrics: Metrics

    def heard(self, instance: Instance, change: Lifecycle) -> None:
        """Take note of a change."""
        match change:
            case InstanceChanged():
                self.metrics.transitions.labels("instance", change.status.value).inc()
                self._instance(instance, change)
            case StepChanged():
                self.metrics.transitions.labels("step", change.status.value).inc()
                self._step(instance, change)

    def _instance(self, instance: Instance, change: InstanceChanged) -> None:
        if change.status.is_final:
            began = instance.started_at or instance.created_at
            self.metrics.instance_seconds.labels(change.status.value).observe(
                (change.at - began).total_seconds()
            )
        match change.status:
            case InstanceStatus.RUNNING if instance.revision == 1:
                self._post(instance, "Normal", "Started", f"it runs {instance.workflow}")
            case InstanceStatus.COMPLETE:
                self._post(instance, "Normal", "Complete", instance.message or "all steps are done")
            case InstanceStatus.FAILED:
                self._post(
                    instance, "Warning", "Failed", str(instance.failure or instance.message or "it failed")
                )
            case InstanceStatus.TERMINATED:
                self._post(instance, "Normal", "Terminated", instance.message or "it was terminated")
            case InstanceStatus.SUSPENDED:
                self._post(instance, "Normal", "Suspended", instance.reason or "it is suspended")
            case _:
                pass

    def _step(self, instance: Instance, change: StepChanged) -> None:
        failure = change.failure
        if failure is not None and failure.reason in ABNORMAL and change.status is not StepStatus.CANCELLED:
            self._post(instance, "Warning", failure.reason.value, _said(change, failure))

    def _post(self, instance: Instance, kind: Kind, reason: str, message: str) -> None:
        name = instance.name if instance.parent is None else self.room.name_of(instance.id)
        found = self.instances.get(self.room.namespace, name) if name is not None else None
        if found is not None:
            subject = Subject(self.room.namespace, found.metadata.name, found.metadata.uid)
            self.notices.post(Notice(subject, kind, reason, message))


def _said(change: StepChanged, failure: Failure) -> str:
    return f"step `{change.path}`, attempt {change.attempt}: {failure.message}"
