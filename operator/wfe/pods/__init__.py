"""What a tree of workflows needs of pods, and the manifests that give it. Pure: nothing here talks to a cluster."""

from wfe.pods.attempt import attempt_pod, task_files
from wfe.pods.guard import PodRefused, check
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, NeedsRefused, StepContainer, Workspace, WorkspaceKind, needs_of
from wfe.pods.runner import container_for, is_satisfied_by_pool, placed, pool_pod, runner_pod
from wfe.pods.services import ready_within, service_container
from wfe.pods.settings import Amounts, PodSettings
from wfe.pods.volumes import volume_claim

__all__ = [
    "Amounts",
    "Home",
    "Needs",
    "NeedsRefused",
    "Owner",
    "PodRefused",
    "PodSettings",
    "StepContainer",
    "Workspace",
    "WorkspaceKind",
    "attempt_pod",
    "check",
    "container_for",
    "is_satisfied_by_pool",
    "needs_of",
    "placed",
    "pool_pod",
    "ready_within",
    "runner_pod",
    "service_container",
    "task_files",
    "volume_claim",
]
