"""Isolated attempts on the real cluster: what a kubelet says of them is judged as it should be."""

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import ROOT, Cluster
from tests.e2e.isolated.place import (
    BUSYBOX,
    DEBIAN,
    RUNNER,
    SHELL_LESS,
    Place,
    a_place,
    image_without_a_shell,
    with_patience,
)
from wfe.engine import ScopeNames
from wfe.model.failure import Reason
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.attempt import attempt_pod
from wfe.steps import BUILTIN, StepContext
from wfe.testing.builders import an_instance

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shell_less(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image without a shell, on the node."""
    archive = image_without_a_shell(tmp_path_factory.mktemp("image") / "image.tar")
    loaded = subprocess.run(
        [ROOT / "hack" / "testbed", "load", archive], check=False, capture_output=True, text=True
    )
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    return SHELL_LESS


async def run(place: Place, task: ProcessTask) -> TaskEnded:
    """Have an attempt admitted, and run it."""
    async with place.executor() as executor:
        return await executor.run(task, await executor.admit(task, place.instance))


def said(ended: TaskEnded) -> str:
    """Return the sentence of a failure."""
    assert ended.failure is not None
    return ended.failure.message


@pytest.mark.parametrize("image", [BUSYBOX, DEBIAN])
async def test_a_script_runs_puts_out_and_its_log_is_whole(
    cluster: Cluster, namespace: str, image: str
) -> None:
    script = """
        echo "hello from $(id -u) in $(pwd)"; cat "$WFE_DATA"; echo
        echo "##wfe[output marked=yes]"; echo "file=$N" >>"$WFE_OUTPUT"; printf 'no end'
    """
    async with a_place(cluster, namespace) as place:
        task = place.task(script, image=image, env={"N": "$(HOME) '$$"})
        ended = await run(place, task)
        assert (ended.outcome, ended.failure) == (TaskOutcome.COMPLETE, None)
        assert ended.outputs == {"marked": "yes", "file": "$(HOME) '$$"}
        log = place.sink.bytes_of(task.key).decode()
        assert log.startswith('hello from 65532 in /workspace\n{"n": 1}\n')
        assert ended.started_at is not None
        assert ended.ended_at is not None


async def test_large_outputs_and_logs_come_through(cluster: Cluster, namespace: str) -> None:
    script = """
        i=0; while [ $i -lt 20000 ]; do echo "line $i of a log"; i=$((i + 1)); done
        { printf 'big='; head -c 50000 /dev/zero | tr '\\0' x; echo; } >"$WFE_OUTPUT"
    """
    async with a_place(cluster, namespace) as place:
        task = place.task(script)
        ended = await run(place, task)
        assert ended.outputs == {"big": "x" * 50000}
        expected = "".join(f"line {i} of a log\n" for i in range(20000))
        assert place.sink.bytes_of(task.key).decode().rstrip("\n") == expected.rstrip("\n")


async def test_a_script_that_fails_says_with_which_code(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace) as place:
        ended = await run(place, place.task("echo a=1 >$WFE_OUTPUT; exit 7"))
        assert (ended.outcome, ended.exit_code, ended.outputs) == (TaskOutcome.FAILED, 7, {})


async def test_an_image_without_a_shell_runs_its_command(
    cluster: Cluster, namespace: str, shell_less: str
) -> None:
    async with a_place(cluster, namespace) as place:
        copied = place.task(argv=("/busybox", "cp", "/wfe/files/data.json", "/wfe/result"), image=shell_less)
        told = place.task(step="told", argv=("/busybox", "echo", "$(HOME) $$"), image=shell_less)
        failed = place.task(step="failed", argv=("/busybox", "false"), image=shell_less)
        script = place.task(step="script", image=shell_less)
        ends = await asyncio.gather(*(run(place, task) for task in (copied, told, failed, script)))
        assert (ends[0].failure, ends[0].outputs) == (None, {"n": 1}), place.sink.segments
        assert place.sink.bytes_of(told.key) == b"$(HOME) $$\n"
        assert (ends[2].outcome, ends[2].exit_code) == (TaskOutcome.FAILED, 1)
        assert ends[3].failure is not None
        assert (ends[3].outcome, ends[3].failure.reason) == (TaskOutcome.FAILED, Reason.CONFIG_INVALID)
        assert "/bin/sh" in said(ends[3])


async def test_a_deno_script_runs_with_what_it_may(cluster: Cluster, namespace: str) -> None:
    names = ScopeNames(scopes=an_instance().instance.scopes, scope="", variables={})
    async with a_place(cluster, namespace) as place:
        key = place.task().key
        script = 'Wfe.setOutput("m", Wfe.getData().n + 1); Wfe.log("seen"); Deno.env.get("HOME")'
        config = {"script": script, "image": RUNNER}
        task = BUILTIN["deno"].plan_raw(config, StepContext(key=key, data={"n": 1}, names=names))
        assert isinstance(task, ProcessTask)
        ended = await run(place, task)
        assert ended.outcome is TaskOutcome.FAILED
        assert b"NotCapable" in place.sink.bytes_of(key)
        allowed = replace(task, key=replace(key, attempt=2), argv=_with_env(task.argv))
        ended = await run(place, allowed)
        assert (ended.failure, ended.outputs) == (None, {"m": 2})
        assert b"seen\n" in place.sink.bytes_of(allowed.key)


def _with_env(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Allow the script to read its environment."""
    return (*argv[:2], "--allow-env", *argv[2:])


async def test_too_much_memory_is_told_apart_from_other_failures(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace) as place:
        task = place.task(
            "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo done", memory="32Mi", image=DEBIAN
        )
        ended = await run(place, task)
        assert (ended.outcome, ended.exit_code) == (TaskOutcome.FAILED, 137)
        assert "memory" in said(ended)


async def test_an_image_that_is_not_there_is_given_up(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace, with_patience(10)) as place:
        ended = await run(place, place.task(image="localhost/no-such-image:1"))
        assert ended.outcome in {TaskOutcome.LOST, TaskOutcome.FAILED}
        assert "localhost/no-such-image:1` cannot be had" in said(ended)


async def test_a_secret_that_is_not_there_is_given_up(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace, with_patience(10)) as place:
        variable = place.task(secrets={"TOKEN": ("no-such-secret", "token")})
        file = place.task(step="file", private_files={"TOKEN": ("no-such-secret", "token")})
        for ended in await asyncio.gather(run(place, variable), run(place, file)):
            assert ended.failure is not None
            assert ended.failure.reason is Reason.CONFIG_INVALID
            assert "no-such-secret" in said(ended)


async def test_secrets_are_there_and_in_no_log_and_no_output(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "secret", "generic", "registry", "--from-literal=token=canary", "-n", namespace)
    script = '[ "$TOKEN" = canary ] && [ "$(cat "$FILE")" = canary ] && [ "$(cat "$TEXT")" = text ] && echo "$TOKEN"'
    async with a_place(cluster, namespace) as place:
        secret = ("registry", "token")
        with_secrets: dict[str, Any] = {
            "secrets": {"TOKEN": secret},
            "private_files": {"FILE": secret, "TEXT": "text"},
        }
        seen = place.task(script, **with_secrets)
        tells = place.task("echo a=$TOKEN >$WFE_OUTPUT", step="tells", **with_secrets)
        first, second = await asyncio.gather(run(place, seen), run(place, tells))
        assert first.outcome is TaskOutcome.COMPLETE
        assert second.failure is not None
        assert second.failure.reason is Reason.OUTPUTS_INVALID
        assert place.sink.bytes_of(seen.key) == b""
        assert "canary" not in str([place.pod(seen), place.pod(tells), place.sink.segments])


async def test_a_step_is_ended_at_its_timeout_and_may_tidy_up(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace) as place:
        task = place.task(
            "trap 'echo tidy; exit 0' TERM; while :; do sleep 0.1; done", timeout=timedelta(seconds=4)
        )
        ended = await run(place, task)
        assert ended.outcome is TaskOutcome.TIMEOUT
        assert b"tidy\n" in place.sink.bytes_of(task.key)


async def test_a_step_is_killed_with_grace(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace) as place, place.executor() as executor:
        task = place.task("echo ready; sleep 1000")
        uid = await executor.admit(task, place.instance)
        running = asyncio.create_task(executor.run(task, uid))
        await place.until_it_prints(task, b"ready")
        await executor.kill(task.key, timedelta(seconds=5))
        assert (await running).outcome is TaskOutcome.CANCELLED


async def test_a_pod_that_somebody_deletes_is_lost_and_its_step_not_run_again(
    cluster: Cluster, namespace: str
) -> None:
    async with a_place(cluster, namespace) as place, place.executor() as executor:
        task = place.task("echo ready; sleep 1000")
        uid = await executor.admit(task, place.instance)
        running = asyncio.create_task(executor.run(task, uid))
        await place.until_it_prints(task, b"ready")
        cluster.kubectl("delete", "pod", labels.attempt_name(task.key), "-n", namespace, "--wait=false")
        ended = await running
        assert (ended.outcome, said(ended)) == (TaskOutcome.LOST, "its pod was deleted while it ran")
        assert (await executor.run(task, uid)).outcome is TaskOutcome.LOST
        await executor.remove(executor.settled(place.instance))
        assert (await executor.run(task, uid)).outcome is TaskOutcome.LOST


async def test_a_second_pod_of_the_same_name_never_runs(cluster: Cluster, namespace: str) -> None:
    """The pod with the saved uid is gone; a paused controller made another, and nobody saved it."""
    async with a_place(cluster, namespace) as place, place.executor() as executor:
        task = place.task("echo ran")
        first = await executor.admit(task, place.instance)
        await executor.release(place.owner.uid)
        second = await executor.admit(task, place.instance)
        assert second != first
        assert (await executor.run(task, first)).outcome is TaskOutcome.LOST
        assert place.pod(task) == {}
        assert place.sink.bytes_of(task.key) == b""


KILLED = """
import asyncio, json, os, signal, sys
from wfe.kube import Client, find_access
from wfe.kube.resource import PODS

async def main():
    client = Client(find_access())
    await client.open()
    await client.create(PODS, json.load(sys.stdin), sys.argv[1])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def create_and_die(manifest: object, namespace: str) -> int:
    """Return the code of a process that made a pod and was killed."""
    given = json.dumps(manifest).encode()
    return subprocess.run([sys.executable, "-c", KILLED, namespace], input=given, check=False).returncode


async def test_a_controller_killed_between_admission_and_start_leaves_a_pod_that_is_found(
    cluster: Cluster, namespace: str
) -> None:
    async with a_place(cluster, namespace) as place:
        task = place.task("echo ran; echo >>$WFE_OUTPUT n=1")
        manifest = attempt_pod(place.home, task, place.settings)
        killed = create_and_die(manifest, namespace)
        assert killed == -signal.SIGKILL
        uid = place.pod(task)["metadata"]["uid"]
        async with place.executor() as executor:
            assert await executor.admit(task, place.instance) == uid
            assert (await executor.run(task, uid)).outputs == {"n": 1}
            assert place.sink.bytes_of(task.key) == b"ran\n"


async def test_a_result_waits_for_the_next_controller_and_is_removed_once_saved(
    cluster: Cluster, namespace: str
) -> None:
    async with a_place(cluster, namespace) as place:
        task = place.task("echo ready; read line <go || sleep 1; echo n=2 >$WFE_OUTPUT")
        async with place.executor() as executor:
            uid = await executor.admit(task, place.instance)
            running = asyncio.create_task(executor.run(task, uid))
            await place.until_it_prints(task, b"ready")
            running.cancel()
        cluster.kubectl("delete", "pod", labels.attempt_name(task.key), "-n", namespace, "--wait=false")
        cluster.until(lambda: place.pod(task)["status"]["phase"] in {"Succeeded", "Failed"})
        async with place.executor() as executor:
            ended = await executor.run(task, uid)
            assert ended.outcome in {TaskOutcome.COMPLETE, TaskOutcome.LOST}
            await executor.remove(executor.settled(place.instance))
            cluster.until(lambda: place.pod(task) == {})


async def test_a_volume_is_shared_with_other_steps(cluster: Cluster, namespace: str) -> None:
    async with a_place(cluster, namespace, shared_volume={"mount_path": "/src", "size": "64Mi"}) as place:
        assert (await run(place, place.task("pwd; echo kept >file", step="first"))).failure is None
        second = place.task("cat /src/file", step="second")
        assert (await run(place, second)).failure is None
        assert place.sink.bytes_of(second.key) == b"kept\n"


def test_the_archive_of_the_image_holds_one_file(tmp_path: Path) -> None:
    assert image_without_a_shell(tmp_path / "image.tar").stat().st_size > 0
