"""What an instance's object says of itself, read without its engine's texts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wfe.hosts.kubernetes.reconcile import Desired, count_of, desired_of, phase_of, text_of
from wfe.model.status import InstanceStatus
from wfe.pods.labels import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """An instance as its object shows it to people.

    Attributes:
        is_begun: the engine has its state in the status.
        root: the id of its tree's root.
        parent, parent_path, parent_attempt: of a child the name of the instance whose step started it, that step's
            path, and the number of its attempt.
        resumes, resumed: how often it was told to go on, and how many of these have been acted on.
        is_over: the operator will write nothing more: its log is kept.
    """

    name: str
    uid: str
    id: str
    namespace: str
    version: str
    workflow: str
    workflow_version: int
    status: InstanceStatus
    reason: str
    message: str
    progress: str
    step: str
    desired: Desired
    resumes: int
    resumed: int
    reference: str
    root: str
    parent: str
    parent_path: str
    parent_attempt: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    duration: str
    is_begun: bool
    is_over: bool

    @property
    def is_told_to_go_on(self) -> bool:
        """Whether the operator has yet to act on a resume."""
        return self.desired is Desired.RUNNING and self.resumes > self.resumed


def phase(found: Mapping[str, Any]) -> Phase:
    """Read an instance's object; whatever a hand has written into it, this does not fail."""
    metadata, spec, status = (_mapping(found.get(key)) for key in ("metadata", "spec", "status"))
    workflow, engine = _mapping(status.get("workflow")), _mapping(status.get("engine"))
    uid = text_of(metadata, "uid")
    return Phase(
        name=text_of(metadata, "name"),
        uid=uid,
        id=text_of(engine, "id") or text_of(spec.get("parent"), "id") or uid,
        namespace=text_of(metadata, "namespace"),
        version=text_of(metadata, "resourceVersion"),
        workflow=text_of(workflow, "name") or text_of(spec.get("workflowRef"), "name"),
        workflow_version=count_of(workflow.get("version"))
        or count_of(_mapping(spec.get("workflowRef")).get("version")),
        status=phase_of(status.get("phase")),
        reason=text_of(status, "reason"),
        message=text_of(status, "message"),
        progress=text_of(status, "progress"),
        step=text_of(status, "step"),
        desired=desired_of(spec.get("desiredState")),
        resumes=count_of(spec.get("resumes")),
        resumed=count_of(status.get("resumes")),
        reference=text_of(spec, "reference"),
        root=text_of(metadata.get("labels"), ROOT) or uid,
        parent=text_of(spec.get("parent"), "name"),
        parent_path=text_of(spec.get("parent"), "path"),
        parent_attempt=count_of(_mapping(spec.get("parent")).get("attempt")),
        created=moment(metadata.get("creationTimestamp")) or datetime.fromtimestamp(0, UTC),
        started=moment(status.get("startedAt")),
        finished=moment(status.get("finishedAt")),
        duration=text_of(status, "duration"),
        is_begun=bool(engine),
        is_over=status.get("active") is False,
    )


def moment(value: Any) -> datetime | None:
    """Read a time as Kubernetes writes it."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
