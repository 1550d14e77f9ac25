"""Outcomes of steps that no supervisor told of."""

from wfe.executors.runner.seen import was_out_of_memory, why_gone
from wfe.executors.runner.shapes import RunnerPod
from wfe.kube.pods import ContainerStatus
from wfe.model.failure import Failure, Reason
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask


def lost(task: ProcessTask, message: str) -> TaskEnded:
    """Tell that nobody can know how a task ended, and why."""
    return TaskEnded(
        path=task.key.path,
        attempt=task.key.attempt,
        outcome=TaskOutcome.LOST,
        failure=Failure(reason=Reason.LOST, message=message),
    )


def cancelled(task: ProcessTask) -> TaskEnded:
    """Tell that a task never started, and will not."""
    return TaskEnded(
        path=task.key.path,
        attempt=task.key.attempt,
        outcome=TaskOutcome.CANCELLED,
        failure=Failure(reason=Reason.CANCELLED, message="it was cancelled"),
    )


def lost_in(
    task: ProcessTask, pod: RunnerPod | None, container: str, *, alone: bool, restarts: int
) -> TaskEnded:
    """Tell how a task ended whose process is gone, from what the kubelet says of its container.

    Args:
        alone: it was the only one that ran there.
        restarts: how often the container had restarted when the task began.
    """
    if pod is None:
        return lost(task, "its pod is gone")
    if pod.is_over or pod.is_ending:
        return lost(task, why_gone(pod))
    status = pod.container(container)
    if status is None or not has_restarted(status, restarts):
        return lost(task, "its process is gone and left no word of how it ended")
    if not was_out_of_memory(status):
        return lost(task, "its container ended and was started anew")
    if not alone:
        return lost(task, "its container ran out of memory while several steps ran in it")
    limit = pod.limit(container, "memory")
    message = (
        f"it needed more memory than its container may use{f', {limit}' if limit else ''}; "
        "give the step more in its config, as in `memory: 2Gi`"
    )
    failure = Failure(reason=Reason.ERROR, message=message)
    return TaskEnded(
        path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.FAILED, failure=failure
    )


def has_restarted(status: ContainerStatus, restarts: int) -> bool:
    """Tell whether a container is another than the one that had restarted so often, or ended just now."""
    return status.restart_count > restarts or status.state.terminated is not None
