"""A pod for one attempt: let run at most once, found by whoever comes next, kept until its end is saved."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.isolated.cluster import (
    IMPATIENT,
    INSTANCE,
    KEY,
    NAME,
    STARTED,
    Cluster,
    a_cluster,
    a_task,
    admitted,
    is_free,
    until,
)
from wfe.errors import Permanent, Retryable
from wfe.executors.pod import PodExecutor
from wfe.executors.pod.errands import NotYet, refused_for_now
from wfe.executors.pod.following import patiently
from wfe.kube import ApiForbidden
from wfe.kube.resource import EVENTS, PODS, VOLUME_CLAIMS
from wfe.model.failure import Reason
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.ports.logs import Stream
from wfe.testing.builders import an_instance, running

GRACE = timedelta(seconds=7)


async def to_the_gate(cluster: Cluster, executor: PodExecutor, task: ProcessTask | None = None) -> Any:
    """Admit the attempt, run it, and wait until its pod may run."""
    task = task or a_task()
    uid = await admitted(executor, task)
    run = asyncio.create_task(executor.run(task, uid))
    await until(lambda: is_free(cluster) or run.done())
    return run


async def left_running(cluster: Cluster) -> str:
    """Start the attempt in the life of an engine that ends meanwhile; return the uid of its pod."""
    async with cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.starts()
        run.cancel()
    return str(cluster.pod["metadata"]["uid"])


async def test_an_admitted_pod_waits_behind_its_gate_with_all_that_it_needs() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        uid = await admitted(executor)
        assert cluster.pod["metadata"]["uid"] == uid
        assert cluster.pod["spec"]["schedulingGates"] == [{"name": labels.GATE}]
        assert [item["data"]["script"] for item in cluster.files] == ["make\n"]
        assert executor.takes(a_task(), uid)
        assert not executor.takes(a_task(), "another")
        assert executor.place(INSTANCE) == ""


async def test_admitting_again_finds_the_same_pod_in_this_life_and_the_next() -> None:
    async with a_cluster() as cluster:
        async with cluster.executor() as executor:
            uids = {await admitted(executor), await admitted(executor)}
        async with cluster.executor() as executor:
            uids.add(await admitted(executor))
        assert len(uids) == 1
        assert len(cluster.files) == 1


async def test_a_create_whose_answer_is_lost_makes_one_pod() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        cluster.server.faults.lose(verb="create", resource="pods")
        assert await admitted(executor) == cluster.pod["metadata"]["uid"]


async def test_a_step_runs_puts_out_and_is_told_with_its_log() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.prints(b"hello\nworld")
        cluster.starts()
        cluster.ends(message="outputs 0 8\nn=1\ns=a\n")
        ended = await run
        assert (ended.outcome, ended.outputs, ended.exit_code) == (
            TaskOutcome.COMPLETE,
            {"n": 1, "s": "a"},
            0,
        )
        assert (ended.started_at, ended.ended_at) == (STARTED, STARTED + timedelta(seconds=5))
        assert cluster.sink.bytes_of(KEY) == b"hello\nworld"
        assert NAME in cluster.pods


async def test_only_the_pod_with_the_saved_uid_is_let_run_and_another_goes_unscheduled() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        await admitted(executor)
        ended = await executor.run(a_task(), "the uid of a pod that was deleted")
        assert ended.outcome is TaskOutcome.LOST
        assert cluster.pods == []
        assert not [seen for seen in cluster.server.writes(PODS) if seen.verb == "patch" and seen.subresource]


async def test_a_pod_of_that_name_that_runs_is_left_alone() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        async with cluster.executor() as other:
            assert (await other.run(a_task(), "another")).outcome is TaskOutcome.LOST
        assert cluster.pods == [NAME]
        run.cancel()


async def test_a_pod_that_is_gone_is_lost_and_not_made_anew() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        assert (await executor.run(a_task(), "uid")).outcome is TaskOutcome.LOST
        assert cluster.pods == []


async def test_the_gate_is_taken_from_the_pod_as_it_was_seen() -> None:
    """Somebody cancels between our look and our patch: the patch names the version, and fails."""
    async with a_cluster() as cluster, cluster.executor() as executor, cluster.executor() as other:
        uid = await admitted(executor)
        patch = cluster.server.faults.hold(verb="patch", resource="pods")
        run = asyncio.create_task(executor.run(a_task(), uid))
        await patch.reached.wait()
        await other.kill(KEY, GRACE)
        patch.free.set()
        assert (await run).outcome is TaskOutcome.CANCELLED
        assert not is_free(cluster)


async def test_two_engines_at_one_attempt_let_one_pod_run() -> None:
    async with a_cluster() as cluster, cluster.executor() as one, cluster.executor() as other:
        uid = await admitted(one)
        assert await admitted(other) == uid
        runs = [asyncio.create_task(each.run(a_task(), uid)) for each in (one, other)]
        await until(lambda: is_free(cluster))
        cluster.starts()
        cluster.ends()
        assert {(await run).outcome for run in runs} == {TaskOutcome.COMPLETE}


async def test_who_comes_next_finds_the_end() -> None:
    async with a_cluster() as cluster:
        uid = await left_running(cluster)
        cluster.prints(b"over\n")
        cluster.ends(3)
        async with cluster.executor() as executor:
            ended = await executor.run(a_task(), uid)
        assert (ended.outcome, ended.exit_code) == (TaskOutcome.FAILED, 3)
        assert cluster.sink.bytes_of(KEY) == b"over\n"


async def test_a_gated_pod_that_is_killed_never_runs() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        uid = await admitted(executor)
        await executor.kill(KEY, GRACE)
        assert (await executor.run(a_task(), uid)).outcome is TaskOutcome.CANCELLED
        assert not is_free(cluster)


async def test_a_kill_gives_the_step_its_grace_and_its_end_is_cancelled() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.starts()
        await executor.kill(KEY, GRACE)
        assert cluster.pod["metadata"]["deletionGracePeriodSeconds"] == 7
        assert not run.done()
        cluster.ends(143)
        ended = await run
        assert (ended.outcome, ended.failure.reason) == (TaskOutcome.CANCELLED, Reason.CANCELLED)


async def test_a_kill_that_crashed_before_its_delete_is_finished_by_the_next_engine() -> None:
    async with a_cluster() as cluster:
        uid = await left_running(cluster)
        cluster.server.objects.patch(
            PODS, NAME, "default", {"metadata": {"annotations": {labels.ENDING: "cancelled"}}}
        )
        async with cluster.executor() as executor:
            run = asyncio.create_task(executor.run(a_task(), uid))
            await until(lambda: "deletionTimestamp" in cluster.pod["metadata"])
            cluster.ends(143)
            assert (await run).outcome is TaskOutcome.CANCELLED


async def test_a_kill_comes_too_late_for_what_has_ended() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.starts()
        cluster.ends()
        await executor.kill(KEY, GRACE)
        assert (await run).outcome is TaskOutcome.COMPLETE
        assert labels.ENDING not in cluster.pod["metadata"]["annotations"]


async def test_a_step_that_runs_too_long_is_ended() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor, a_task(timeout=timedelta(seconds=1)))
        cluster.starts(at=cluster.client.now() - timedelta(seconds=10))
        await until(lambda: "deletionTimestamp" in cluster.pod["metadata"])
        cluster.ends(143)
        ended = await run
        assert (ended.outcome, ended.failure.reason) == (TaskOutcome.TIMEOUT, Reason.TIMEOUT)


async def test_a_step_that_writes_too_much_is_ended() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor, a_task(log_limit=100))
        cluster.prints(b"a line of twenty\n" * 10)
        cluster.starts()
        await until(lambda: "deletionTimestamp" in cluster.pod["metadata"])
        cluster.ends(143)
        assert (await run).failure.reason is Reason.LOG_LIMIT


@pytest.mark.parametrize(
    ("waiting", "reason", "words"),
    [
        pytest.param(
            {"reason": "ImagePullBackOff", "message": "registry says: not found"},
            Reason.CONFIG_INVALID,
            "cannot be had",
            id="there-is-no-such-image",
        ),
        pytest.param(
            {"reason": "ErrImagePull", "message": "dial tcp: connection refused"},
            Reason.LOST,
            "cannot be had",
            id="the-registry-is-away",
        ),
        pytest.param(
            {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'},
            Reason.CONFIG_INVALID,
            'secret "x" not found',
            id="there-is-no-such-secret",
        ),
        pytest.param(
            {"reason": "ContainerCreating"}, Reason.CONFIG_INVALID, "no such volume", id="a-warning"
        ),
    ],
)
async def test_a_pod_that_cannot_start_is_given_up(
    waiting: dict[str, str], reason: Reason, words: str
) -> None:
    async with a_cluster() as cluster, cluster.executor(IMPATIENT) as executor:
        uid = await admitted(executor)
        warning = {"type": "Warning", "message": "no such volume", "involvedObject": {"uid": uid}}
        cluster.server.objects.create(EVENTS, {"metadata": {"name": "w"}, **warning}, "default")
        hold = cluster.server.faults.hold(verb="patch", resource="pods")
        run = asyncio.create_task(executor.run(a_task(), uid))
        await hold.reached.wait()
        cluster.server.objects.patch(PODS, NAME, "default", {"spec": {"nodeName": "node1"}})
        cluster.container("Pending", waiting=waiting)
        hold.free.set()
        await until(lambda: "deletionTimestamp" in cluster.pod["metadata"])
        cluster.status(phase="Failed")
        failure = (await run).failure
        assert failure is not None
        assert failure.reason is reason
        assert words in failure.message


async def test_what_a_settled_instance_knows_the_end_of_is_removed_and_no_more() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        uid = cluster.pod["metadata"]["uid"]
        waiting = an_instance(INSTANCE.id).with_step("build", replace(running(), incarnation=uid))()
        cluster.starts()
        cluster.ends()
        await run
        await until(lambda: len(executor.instances()) == 1)
        await executor.remove(executor.settled(waiting))
        assert cluster.pods == [NAME]
        await executor.remove(executor.settled(INSTANCE))
        # The kubelet lets go of it in its time.
        assert labels.FINALIZER not in cluster.pod["metadata"].get("finalizers", [])
        assert "deletionTimestamp" in cluster.pod["metadata"]
        assert cluster.files == []


async def finished(cluster: Cluster, task: ProcessTask, log: bytes, message: str = "") -> None:
    """Have an attempt end while an executor follows it that is gone before anything was kept."""
    async with cluster.executor() as executor:
        run = await to_the_gate(cluster, executor, task)
        cluster.prints(log)
        cluster.starts()
        cluster.ends(message=message)
        await run
    cluster.sink.segments.clear()


@pytest.mark.parametrize(
    ("log", "message", "kept"),
    [
        pytest.param(b"hello\nworld", "", b"hello\nworld", id="all"),
        pytest.param(
            b"hi\n##wfe[outputs 0 4]\nn=1\n\n##wfe[end]\n", "logged 0 4\n", b"hi\n", id="no-outputs"
        ),
        pytest.param(b"hi\n##wfe[outputs 0 4]\nn", "", b"hi\n##wfe[outputs 0 4]\nn", id="no-frame"),
        pytest.param(b"", "", b"", id="nothing"),
    ],
)
async def test_the_log_of_a_pod_that_an_earlier_life_followed_is_read_again_once(
    log: bytes, message: str, kept: bytes
) -> None:
    async with a_cluster() as cluster:
        await finished(cluster, a_task(), log, message)
        async with cluster.executor() as executor:
            # Nobody here knows its log, so it stays.
            assert executor.settled(INSTANCE) == []
            await executor.read_rest(INSTANCE.id)
            assert cluster.sink.bytes_of(KEY) == kept
            number = len(cluster.sink.segments)
            await executor.read_rest(INSTANCE.id)
            assert len(cluster.sink.segments) == number
            await executor.remove(executor.settled(INSTANCE))
            assert labels.FINALIZER not in cluster.pod["metadata"].get("finalizers", [])


async def test_what_a_pod_wrote_that_saw_secrets_is_not_read_again() -> None:
    async with a_cluster() as cluster:
        await finished(cluster, a_task(secrets={"TOKEN": ("ci", "token")}), b"hunter2\n")
        async with cluster.executor() as executor:
            await executor.read_rest(INSTANCE.id)
        assert cluster.sink.bytes_of(KEY) == b""
        assert b"is not kept" in cluster.sink.bytes_of(KEY, Stream.STDERR)


async def test_a_log_that_is_gone_with_its_node_keeps_nobody_waiting() -> None:
    async with a_cluster() as cluster:
        await finished(cluster, a_task(), b"hello\n")
        cluster.server.faults.answer(404, verb="log")
        async with cluster.executor() as executor:
            await executor.read_rest(INSTANCE.id)
            assert len(executor.settled(INSTANCE)) == 1
        assert cluster.sink.segments == []


async def test_settling_leaves_gated_pods_for_decisions_that_are_not_saved_yet() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        await admitted(executor)
        await executor.remove(executor.settled(INSTANCE))
        assert cluster.pods == [NAME]


async def test_settling_an_old_instance_leaves_what_it_does_not_know_yet() -> None:
    """It was saved before the attempt began, and somebody comes late to settle it."""
    async with a_cluster() as cluster, cluster.executor() as executor:
        uid = await executor.admit(a_task(), replace(INSTANCE, revision=7))
        run = asyncio.create_task(executor.run(a_task(), uid))
        await until(lambda: is_free(cluster))
        await executor.remove(executor.settled(replace(INSTANCE, revision=9)))
        cluster.starts()
        cluster.ends()
        assert (await run).outcome is TaskOutcome.COMPLETE
        await until(lambda: len(executor.instances()) == 1)
        await executor.remove(executor.settled(replace(INSTANCE, revision=6)))
        assert labels.FINALIZER in cluster.pod["metadata"]["finalizers"]
        await executor.remove(executor.settled(replace(INSTANCE, revision=8)))
        assert labels.FINALIZER not in cluster.pod["metadata"].get("finalizers", [])


async def test_releasing_an_instance_removes_all_that_was_made_for_it() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        await admitted(executor)
        await executor.release(INSTANCE.id)
        assert (cluster.pods, cluster.files) == ([], [])
        await executor.release(INSTANCE.id, "default")


async def test_an_earlier_pod_that_was_made_from_something_else_is_replaced_while_it_is_gated() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        first = await admitted(executor)
        second = await admitted(executor, a_task(memory="100Mi"))
        assert second != first
        assert cluster.pod["metadata"]["uid"] == second


async def test_somebody_elses_pod_of_that_name_is_not_touched() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        cluster.server.objects.create(PODS, {"metadata": {"name": NAME}, "spec": {}}, "default")
        with pytest.raises(Permanent, match="was not made for this step"):
            await admitted(executor)
        assert cluster.pods == [NAME]


async def test_a_right_that_we_do_not_have_is_not_asked_for_again() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        cluster.server.faults.answer(403, verb="create", resource="pods")
        with pytest.raises(ApiForbidden):
            await admitted(executor)


def test_a_quota_that_is_used_up_may_be_free_again() -> None:
    said = ApiForbidden(403, "Forbidden", 'pods "a" is forbidden: exceeded quota: small, used: pods=1')
    assert isinstance(refused_for_now(said), Retryable)
    assert isinstance(refused_for_now(ApiForbidden(403, "Forbidden", "no right")), ApiForbidden)


async def test_a_volume_is_claimed_for_the_step() -> None:
    async with a_cluster(shared_volume={}) as cluster, cluster.executor() as executor:
        await admitted(executor)
        assert len(cluster.server.objects.all(VOLUME_CLAIMS)) == 1


async def test_the_log_of_a_step_that_sees_secrets_is_not_kept() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        task = a_task(secrets={"TOKEN": ("registry", "token")})
        run = await to_the_gate(cluster, executor, task)
        cluster.prints(b"the token is canary\n")
        cluster.starts()
        cluster.ends(message="kept 0 10\n")
        ended: TaskEnded = await run
        assert ended.failure is not None
        assert (ended.outcome, ended.failure.reason) == (TaskOutcome.FAILED, Reason.OUTPUTS_INVALID)
        assert cluster.sink.bytes_of(KEY) == b""
        assert b"is not kept" in cluster.sink.bytes_of(KEY, Stream.STDERR)


async def test_large_outputs_come_at_the_end_of_the_log_and_are_not_kept_as_such() -> None:
    value = "x" * 9000
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        body = f"big={value}\n".encode()
        cluster.prints(b"said\n\n##wfe[outputs 0 %d]\n%b\n##wfe[end]\n" % (len(body), body))
        cluster.starts()
        cluster.ends(message=f"logged 0 {len(body)}\n")
        assert (await run).outputs == {"big": value}
        assert cluster.sink.bytes_of(KEY) == b"said\n\n"


async def test_what_only_looks_like_a_frame_is_part_of_the_log() -> None:
    log = b"said\n##wfe[outputs 0 3]\na=1\nand more\n"
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.prints(log)
        cluster.starts()
        cluster.ends(message="outputs 0 0\n")
        assert (await run).outcome is TaskOutcome.COMPLETE
        assert cluster.sink.bytes_of(KEY) == log


async def test_a_log_that_cannot_be_read_costs_no_outcome() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.server.faults.answer(404, times=100, verb="log", resource="pods")
        cluster.starts()
        cluster.ends()
        assert (await run).outcome is TaskOutcome.COMPLETE


async def test_an_api_that_is_away_for_a_while_loses_nothing() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        uid = await admitted(executor)
        cluster.server.faults.answer(503, times=2, verb="get", resource="pods")
        run = asyncio.create_task(executor.run(a_task(), uid))
        await until(lambda: is_free(cluster))
        cluster.starts()
        cluster.ends()
        assert (await run).outcome is TaskOutcome.COMPLETE


async def test_a_kill_that_the_cluster_refuses_breaks_nothing() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.starts()
        cluster.server.faults.answer(403, verb="patch", resource="pods")
        await executor.kill(KEY, GRACE)
        cluster.ends()
        assert (await run).outcome is TaskOutcome.COMPLETE


async def test_what_a_run_is_refused_is_raised_as_it_is() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        uid = await admitted(executor)
        cluster.server.faults.answer(403, verb="get", resource="pods")
        with pytest.raises(ApiForbidden):
            await executor.run(a_task(), uid)


async def test_a_pod_that_changes_while_it_is_removed_is_removed_all_the_same() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        await admitted(executor)
        cluster.server.faults.answer(409, verb="patch", resource="pods")
        await executor.release(INSTANCE.id)
        assert cluster.pods == []


async def test_a_pod_that_changes_while_it_is_ended_is_ended_all_the_same() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        uid = await admitted(executor)
        cluster.server.faults.answer(409, verb="patch", resource="pods")
        await executor.kill(KEY, GRACE)
        assert (await executor.run(a_task(), uid)).outcome is TaskOutcome.CANCELLED


async def test_a_pod_that_vanishes_while_it_runs_is_lost() -> None:
    """Somebody took the finalizer away."""
    async with a_cluster() as cluster, cluster.executor() as executor:
        run = await to_the_gate(cluster, executor)
        cluster.starts()
        cluster.server.objects.patch(PODS, NAME, "default", {"metadata": {"finalizers": None}})
        cluster.server.objects.delete(PODS, NAME, "default", grace_seconds=0)
        assert (await run).outcome is TaskOutcome.LOST


async def test_what_is_refused_for_now_is_asked_again() -> None:
    answers = iter([NotYet("not yet"), None])

    async def call() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "now"

    assert await patiently(call) == "now"


async def test_finalizers_of_others_are_left_alone() -> None:
    async with a_cluster() as cluster, cluster.executor() as executor:
        await admitted(executor)
        both = {"metadata": {"finalizers": [labels.FINALIZER, "example.test/other"]}}
        cluster.server.objects.patch(PODS, NAME, "default", both)
        await executor.release(INSTANCE.id)
        assert cluster.pod["metadata"]["finalizers"] == ["example.test/other"]


async def test_a_pod_of_a_finished_instance_that_nobody_released_is_known() -> None:
    async with a_cluster() as cluster:
        async with cluster.executor() as executor:
            await admitted(executor)
        async with cluster.executor() as executor:
            assert executor.instances() == {("default", INSTANCE.id, INSTANCE.id)}
