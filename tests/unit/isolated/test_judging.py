"""How an attempt ended, judged by its pod; and what is wrong with a pod that does not start."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.isolated.cluster import STARTED, a_task, stamp
from tests.unit.pods.homes import SETTINGS
from wfe.executors.pod.endings import Ending, Why, ending_from
from wfe.executors.pod.judging import due, ending_of_due, judged
from wfe.executors.pod.seen import AttemptPod, pod_from
from wfe.model.failure import Reason
from wfe.model.signals import TaskOutcome
from wfe.pods import labels

LATER = STARTED + timedelta(seconds=60)


def a_pod(
    *, ending: str = "", deleted: bool = False, grace: int = 10, node: str = "node1", **status: Any
) -> AttemptPod:
    """Return a pod as it was seen; without grace, the kubelet has deleted it for the last time."""
    metadata: dict[str, Any] = {
        "name": "a",
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": stamp(STARTED),
    }
    if ending:
        metadata["annotations"] = {labels.ENDING: ending}
    if deleted:
        metadata |= {
            "deletionTimestamp": stamp(LATER + timedelta(seconds=grace)),
            "deletionGracePeriodSeconds": grace,
        }
    return pod_from({"metadata": metadata, "spec": {"nodeName": node}, "status": status})


def ended(code: int, reason: str = "", message: str = "", *, after: int = 5) -> dict[str, Any]:
    """Return the status of a container that ended."""
    terminated = {
        "exitCode": code,
        "reason": reason,
        "message": message,
        "startedAt": stamp(STARTED),
        "finishedAt": stamp(STARTED + timedelta(seconds=after)),
    }
    return {"containerStatuses": [{"name": "step", "state": {"terminated": terminated}}]}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    """Return the status of a container that waits."""
    return {
        "containerStatuses": [{"name": "step", "state": {"waiting": {"reason": reason, "message": message}}}]
    }


EVICTED: dict[str, Any] = {
    "phase": "Failed",
    "reason": "Evicted",
    "message": "The node was low on resource: memory.",
}
RUNNING: dict[str, Any] = {
    "containerStatuses": [{"name": "step", "state": {"running": {"startedAt": stamp(STARTED)}}}]
}
OWN_FAULT: dict[str, Any] = {
    "phase": "Failed",
    "reason": "Evicted",
    "message": 'Usage of EmptyDir volume "workspace" exceeds the limit "1Gi".',
}
DISRUPTED: dict[str, Any] = {
    "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
}


COMPLETE = (TaskOutcome.COMPLETE, None)
LOST = (TaskOutcome.LOST, Reason.LOST)
ITS_CODE = (TaskOutcome.FAILED, Reason.EXIT_CODE)
REFUSED = (TaskOutcome.FAILED, Reason.CONFIG_INVALID)
TIMEOUT = (TaskOutcome.TIMEOUT, Reason.TIMEOUT)
CANCELLED = (TaskOutcome.CANCELLED, Reason.CANCELLED)
LOG_LIMIT = (TaskOutcome.FAILED, Reason.LOG_LIMIT)
ERROR = (TaskOutcome.FAILED, Reason.ERROR)


@pytest.mark.parametrize(
    ("pod", "end", "words"),
    [
        pytest.param(a_pod(**ended(0)), COMPLETE, "", id="complete"),
        pytest.param(a_pod(**ended(3)), ITS_CODE, "code 3", id="its-own-code"),
        pytest.param(a_pod(**ended(137, "OOMKilled")), ITS_CODE, "memory", id="out-of-memory"),
        pytest.param(a_pod(**ended(137)), ITS_CODE, "perhaps for want of memory", id="perhaps-out-of-memory"),
        pytest.param(
            a_pod(**ended(128, "StartError", 'exec: "/app": no such file')),
            REFUSED,
            "no such file",
            id="nothing-to-execute",
        ),
        pytest.param(a_pod(reason="DeadlineExceeded", **ended(137)), TIMEOUT, "longer", id="deadline"),
        pytest.param(
            a_pod(ending="timeout", deleted=True, **ended(143, after=61)),
            TIMEOUT,
            "longer",
            id="we-ended-it-in-time",
        ),
        pytest.param(
            a_pod(ending="cancelled", deleted=True, **ended(0, after=61)),
            CANCELLED,
            "cancelled",
            id="it-tidied-up-as-it-was-cancelled",
        ),
        pytest.param(
            a_pod(ending="loglimit", deleted=True, **ended(143)), LOG_LIMIT, "output", id="too-much-output"
        ),
        pytest.param(
            a_pod(ending="refused there is no image", deleted=True, phase="Failed"),
            REFUSED,
            "there is no image",
            id="it-could-not-start",
        ),
        pytest.param(
            a_pod(ending="lost the registry is away", deleted=True, phase="Failed"),
            LOST,
            "the registry is away",
            id="it-did-not-start",
        ),
        pytest.param(a_pod(deleted=True, **ended(143, after=62)), LOST, "deleted", id="deleted"),
        pytest.param(
            a_pod(deleted=True, **ended(3, after=5)), ITS_CODE, "code 3", id="deleted-after-it-failed"
        ),
        pytest.param(a_pod(deleted=True, grace=0, **ended(143, after=59)), LOST, "deleted", id="cleaned"),
        pytest.param(
            a_pod(deleted=True, grace=0, **ended(3, after=-100)),
            ITS_CODE,
            "code 3",
            id="deleted-long-after-it-failed",
        ),
        pytest.param(
            a_pod(deleted=True, **ended(0, after=62)), COMPLETE, "", id="it-completed-while-deleted"
        ),
        pytest.param(a_pod(deleted=True, node=""), LOST, "deleted", id="deleted-before-it-ran"),
        pytest.param(
            a_pod(deleted=True, phase="Failed", **ended(137, "ContainerStatusUnknown")),
            LOST,
            "deleted",
            id="nobody-knows-its-code",
        ),
        pytest.param(a_pod(phase="Failed", **ended(255, "Unknown")), LOST, "lost", id="node-anew"),
        pytest.param(a_pod(**EVICTED), LOST, "low on resource", id="evicted"),
        pytest.param(a_pod(**EVICTED, **ended(137)), LOST, "low on resource", id="evicted-and-killed"),
        pytest.param(a_pod(**OWN_FAULT), ERROR, "too much storage", id="it-filled-its-disk"),
        pytest.param(a_pod(**DISRUPTED, **ended(143)), LOST, "Preemption", id="it-had-to-make-room"),
        pytest.param(a_pod(phase="Failed"), LOST, "nobody says why", id="its-node-is-gone"),
    ],
)
def test_an_end_is_told_by_what_the_pod_says(
    pod: AttemptPod, end: tuple[TaskOutcome, Reason | None], words: str
) -> None:
    assert pod.is_over
    found = judged(pod, a_task(), dict)
    assert (found.outcome, found.failure and found.failure.reason) == end
    assert words in str(found.failure or "")


def test_outputs_count_only_if_it_completed() -> None:
    def never() -> dict[str, Any]:
        raise AssertionError

    assert judged(a_pod(**ended(1)), a_task(), never).outputs == {}
    assert judged(a_pod(**ended(0)), a_task(), lambda: {"a": 1}).outputs == {"a": 1}


def test_a_pod_on_a_node_that_does_not_answer_may_run_on() -> None:
    assert not a_pod(deleted=True, phase="Running", **RUNNING).is_over


@pytest.mark.parametrize(
    ("pod", "after"),
    [
        pytest.param(a_pod(), SETTINGS.start_within, id="it-has-a-while-to-start"),
        pytest.param(a_pod(**waits("ContainerCreating")), SETTINGS.start_within, id="while-it-is-made"),
        pytest.param(a_pod(**waits("ImagePullBackOff")), SETTINGS.trouble_within, id="less-in-trouble"),
        pytest.param(a_pod(**waits("InvalidImageName")), timedelta(), id="none-if-it-is-hopeless"),
        pytest.param(
            a_pod(**RUNNING),
            timedelta(minutes=5, seconds=1),
            id="once-it-runs-its-timeout",
        ),
    ],
)
def test_a_pod_is_due_when_it_has_taken_too_long(pod: AttemptPod, after: timedelta) -> None:
    assert due(pod, a_task(), SETTINGS) == STARTED + after


@pytest.mark.parametrize(
    ("pod", "warning", "why", "words"),
    [
        pytest.param(
            a_pod(**waits("ErrImageNeverPull")), "", Why.REFUSED, "cannot be had", id="not-on-the-node"
        ),
        pytest.param(
            a_pod(**waits("ImagePullBackOff", "not found")), "", Why.REFUSED, "not found", id="no-image"
        ),
        pytest.param(
            a_pod(**waits("ErrImagePull", "i/o timeout")), "", Why.LOST, "timeout", id="no-registry"
        ),
        pytest.param(
            a_pod(**waits("CreateContainerConfigError", "no key")),
            "",
            Why.REFUSED,
            "no key",
            id="no-container",
        ),
        pytest.param(
            a_pod(**waits("ContainerCreating")), "no secret", Why.REFUSED, "no secret", id="a-warning"
        ),
        pytest.param(
            a_pod(**waits("ContainerCreating")), "", Why.LOST, "ContainerCreating", id="nobody-knows"
        ),
        pytest.param(
            a_pod(node="", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]),
            "",
            Why.LOST,
            "0/1 nodes",
            id="no-node",
        ),
    ],
)
def test_what_is_due_ends_for_a_reason(pod: AttemptPod, warning: str, why: Why, words: str) -> None:
    found = ending_of_due(pod, a_task(), warning)
    assert found.why is why
    assert words in found.sentence


def test_the_reason_is_written_down_and_read_back() -> None:
    for ending in (Ending(Why.CANCELLED), Ending(Why.REFUSED, "a sentence, with words")):
        assert ending_from(str(ending)) == ending
    assert ending_from("") is None
    assert ending_from("a word of a later version") == Ending(Why.LOST, "a word of a later version")
