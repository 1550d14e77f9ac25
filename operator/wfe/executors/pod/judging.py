"""How an attempt ended, judged by its pod alone; and what is wrong with one that does not start. Pure.

What the container itself did counts first. A pod that was deleted, evicted or lost its node takes its step along, which
is nobody's failure: Lost. What the step did to itself, too much memory or storage used, is a failure.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from wfe.executors.pod.endings import Ending, Why, ending_from
from wfe.executors.pod.seen import AttemptPod
from wfe.kube.pods import Terminated
from wfe.model.failure import Failure, Reason
from wfe.model.json import Data
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.pods.settings import PodSettings
from wfe.supervisor.answers import End, EndReason
from wfe.supervisor.outcome import outcome_of

_REASONS: Final = {
    Why.CANCELLED: EndReason.CANCELLED,
    Why.TIMEOUT: EndReason.TIMEOUT,
    Why.LOG_LIMIT: EndReason.LOG_LIMIT,
}
# Reasons of the kubelet for a container that never ran.
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
# Nobody knows how it ended: its node was started anew, or lost it.
_UNKNOWN: Final = frozenset({"ContainerStatusUnknown", "Unknown"})
# How long the kubelet may take to clean up after a pod.
_CLEANUP: Final = timedelta(seconds=60)
_OWN_FAULT: Final = (
    "exceeds the limit",
    "exceeded its local ephemeral storage limit",
    "exceeds the total limit",
)
_HOPELESS: Final = frozenset({"ErrImageNeverPull", "InvalidImageName"})
_KILLED: Final = 137
_IMAGE: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"})
_NO_CONTAINER: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
# What registries and networks say that may be there again later. Anything else about an image is taken for final.
_PASSING: Final = (
    "connection refused", "no such host", "timeout", "timed out", "unreachable", "reset by peer", "EOF", "TLS",
    "too many requests", "toomanyrequests", "service unavailable", "bad gateway", "internal server error", "try again",
)  # fmt: skip


def judged(pod: AttemptPod, task: ProcessTask, outputs: Callable[[], Data]) -> TaskEnded:
    """Tell how the attempt of a pod that is over ended. `outputs` is called only if they count."""
    terminated = pod.terminated if pod.terminated and pod.terminated.reason not in _UNKNOWN else None
    ended = _of_ending(pod, task) or (
        _of_container(pod, task, terminated, outputs) if terminated else _of_pod(pod, task)
    )
    if terminated is None or terminated.started_at is None:
        return ended
    return replace(ended, started_at=terminated.started_at, ended_at=terminated.finished_at)


def lost(task: ProcessTask, why: str) -> TaskEnded:
    """Tell that nobody can know how it ended, or that it never came to run."""
    return _ended(task, TaskOutcome.LOST, Failure(reason=Reason.LOST, message=why))


def _of_ending(pod: AttemptPod, task: ProcessTask) -> TaskEnded | None:
    ending = ending_from(pod.ending)
    match ending:
        case None:
            return None
        case Ending(Why.REFUSED, sentence):
            return _ended(task, TaskOutcome.FAILED, Failure(reason=Reason.CONFIG_INVALID, message=sentence))
        case Ending(Why.LOST, sentence):
            return lost(task, sentence)
        case _:
            return _said(task, EndReason(_REASONS[ending.why]))


def _of_container(
    pod: AttemptPod, task: ProcessTask, terminated: Terminated, outputs: Callable[[], Data]
) -> TaskEnded:
    code = terminated.exit_code
    if code == 0:
        return _said(task, EndReason.EXIT, 0, outputs)
    if terminated.reason == "OOMKilled":
        message = (
            f"it used more memory than it may ({task.memory or 'the default'}) and was killed; raise `memory`"
        )
        return _failed(task, Failure(reason=Reason.EXIT_CODE, message=message, exit_code=code))
    if terminated.reason in _NOT_STARTED:
        message = f"its container could not be started: {terminated.message}"
        return _failed(task, Failure(reason=Reason.CONFIG_INVALID, message=message))
    if pod.status.reason == "DeadlineExceeded":
        return _said(task, EndReason.TIMEOUT)
    if _was_taken(pod) or _died_of_deletion(pod, terminated):
        return _of_pod(pod, task)
    return _killed(task) if code == _KILLED else _said(task, EndReason.EXIT, code)


def _killed(task: ProcessTask) -> TaskEnded:
    """Say what may have been the reason.

    The runtime hears of want of memory and of the end by two ways, and says OOMKilled only if the first is quicker.
    """
    ended = _said(task, EndReason.EXIT, _KILLED)
    assert ended.failure is not None  # noqa: S101  # no process that was killed has completed
    said = f"{ended.failure.message}, perhaps for want of memory ({task.memory or 'the default'}): then raise `memory`"
    return replace(ended, failure=replace(ended.failure, message=said))


def _of_pod(pod: AttemptPod, task: ProcessTask) -> TaskEnded:
    """Judge by the pod: its container left no word, or none that counts."""
    said = pod.status.message or _disruption(pod)
    if any(words in said for words in _OWN_FAULT):
        return _failed(
            task, Failure(reason=Reason.ERROR, message=f"it used too much storage and was ended: {said}")
        )
    if pod.is_deleted and not said:
        return lost(task, "its pod was deleted while it ran" if pod.spec.node_name else "its pod was deleted")
    reason = f" ({pod.status.reason})" if pod.status.reason else ""
    return lost(task, f"its pod was lost{reason}: {said or 'nobody says why'}")


def _was_taken(pod: AttemptPod) -> bool:
    return pod.status.reason in {"Evicted", "Terminated", "NodeShutdown", "Preempting"} or bool(
        _disruption(pod)
    )


def _disruption(pod: AttemptPod) -> str:
    found = pod.condition("DisruptionTarget")
    return f"{found.reason}: {found.message}" if found and found.status == "True" else ""


def _died_of_deletion(pod: AttemptPod, terminated: Terminated) -> bool:
    """Tell whether it ended after somebody deleted the pod; a second has room for both, and then it did.

    Once all of it has ended the kubelet deletes it again, without grace, and when it was first asked to is lost. Then
    what ended shortly before counts as ended by it: a loss is tried again at nobody's expense.
    """
    deleted, ended = pod.metadata.deletion_timestamp, terminated.finished_at
    if deleted is None:
        return False
    grace = pod.metadata.deletion_grace_period_seconds or 0
    within = (
        timedelta(seconds=grace)
        if grace
        else _CLEANUP + timedelta(seconds=pod.spec.termination_grace_period_seconds)
    )
    return ended is None or ended >= deleted - within


def _said(
    task: ProcessTask, reason: EndReason, code: int | None = None, outputs: Callable[[], Data] = dict
) -> TaskEnded:
    """Say it in the words of the supervisor."""
    end = End(task.key.token, code, reason, None, None)
    return outcome_of(task, end, outputs=outputs, time_of=_no_time)


def _no_time(centiseconds: int) -> datetime:
    raise AssertionError(centiseconds)


def _failed(task: ProcessTask, failure: Failure) -> TaskEnded:
    return _ended(task, TaskOutcome.FAILED, failure)


def _ended(task: ProcessTask, outcome: TaskOutcome, failure: Failure) -> TaskEnded:
    return TaskEnded(
        path=task.key.path,
        attempt=task.key.attempt,
        outcome=outcome,
        failure=failure,
        exit_code=failure.exit_code,
    )


def due(pod: AttemptPod, task: ProcessTask, settings: PodSettings) -> datetime | None:
    """Return when the pod has to be looked at again, if nothing is heard of it until then."""
    running = pod.state.running
    if running is not None:
        # Times of the kubelet are cut to seconds, and a timeout is never early.
        started = running.started_at
        return None if task.timeout is None or not started else started + task.timeout + timedelta(seconds=1)
    waiting = pod.state.waiting
    if waiting is not None and waiting.reason in _HOPELESS:
        return pod.metadata.creation_timestamp
    in_trouble = waiting is not None and waiting.reason in _IMAGE | _NO_CONTAINER
    since = pod.status.start_time or pod.metadata.creation_timestamp
    return since and since + (settings.trouble_within if in_trouble else settings.start_within)


def ending_of_due(pod: AttemptPod, task: ProcessTask, warning: str) -> Ending:
    """Return why a pod that is due has to end; `warning` is the last one of the cluster about it."""
    if pod.state.running is not None:
        return Ending(Why.TIMEOUT)
    waiting = pod.state.waiting
    reason, said = (waiting.reason, waiting.message) if waiting else ("", "")
    if reason in _IMAGE | _HOPELESS:
        is_passing = any(words in said for words in _PASSING)
        image = f"its image `{task.image or 'by default'}` cannot be had ({reason}): {said}"
        return Ending(Why.LOST if is_passing else Why.REFUSED, _short(image))
    if reason in _NO_CONTAINER:
        return Ending(Why.REFUSED, _short(f"its container cannot be made ({reason}): {said}"))
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return Ending(Why.LOST, _short(f"no node could take it: {scheduled.message}"))
    why = warning or said or reason or "nobody says why"
    return Ending(Why.REFUSED if warning else Why.LOST, _short(f"its pod did not start: {why}"))


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 1000 else f"{sentence[:999]}…"
