"""The runner executor on a real kubelet, in a namespace whose pods are restricted."""

import asyncio
from datetime import timedelta
from time import monotonic

import pytest

from tests.e2e.runner.tree import BUSYBOX, DEBIAN, NO_TIME, Tree, a_step, a_tree, needs
from wfe.kube import ApiNotFound, Resource
from wfe.kube.resource import PODS
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.ports.executor import CannotGoOn
from wfe.ports.logs import Stream
from wfe.testing.builders import an_instance
from wfe.testing.executor_contract import until

pytestmark = pytest.mark.e2e

GATE = "echo waiting; while [ ! -e gate ]; do sleep 0.05; done; echo over; exit 6"


async def is_waiting(tree: Tree, task: ProcessTask) -> None:
    await until(lambda: tree.sink.bytes_of(task.key) == b"waiting\n")


async def until_gone(tree: Tree) -> None:
    """Wait until the pod is no more."""
    while True:
        try:
            await tree.pod()
        except ApiNotFound:
            return
        await asyncio.sleep(0.1)


def words(ended: TaskEnded) -> str:
    assert ended.failure is not None
    return ended.failure.message


@pytest.mark.parametrize("image", [DEBIAN, BUSYBOX], ids=["debian", "busybox"])
async def test_steps_run_give_outputs_and_leave_logs(namespace: str, image: str) -> None:
    async with a_tree(namespace, needs(image)) as tree, tree.controller() as executor:
        task = a_step(
            'echo out; echo err >&2; echo a=1 >"$WFE_OUTPUT"; echo "##wfe[output b=2]"; echo hi >file'
        )
        ended = await tree.run(executor, task)
        assert (ended.outcome, ended.outputs) == (TaskOutcome.COMPLETE, {"a": 1, "b": 2})
        assert tree.sink.bytes_of(task.key) == b"out\n##wfe[output b=2]\n"
        assert tree.sink.bytes_of(task.key, Stream.STDERR) == b"err\n"
        failing = a_step("cat file; exit 3")
        assert (await tree.run(executor, failing)).exit_code == 3
        killed = a_step("echo waiting; sleep 1000")
        run = asyncio.create_task(tree.run(executor, killed))
        await is_waiting(tree, killed)
        await executor.kill(killed.key, NO_TIME)
        assert (await run).outcome is TaskOutcome.CANCELLED
        late = a_step("echo waiting; sleep 1000", grace=NO_TIME)
        object.__setattr__(late, "timeout", timedelta(milliseconds=300))
        assert (await tree.run(executor, late)).outcome is TaskOutcome.TIMEOUT
        expected = {f"[{task.key.path}] out", f"[{task.key.path}] err", f"[{failing.key.path}] hi"}
        while not expected <= set((await tree.log()).decode().splitlines()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_each_image_has_a_container_and_all_share_the_workspace(namespace: str) -> None:
    async with a_tree(namespace, needs(DEBIAN, BUSYBOX)) as tree, tree.controller() as executor:
        await tree.run(executor, a_step("echo from debian >file"))
        task = a_step("cat file; id -u; test -x /bin/busybox && echo busybox", image=BUSYBOX)
        assert (await tree.run(executor, task)).exit_code == 0
        assert tree.sink.bytes_of(task.key) == b"from debian\n65532\nbusybox\n"


async def test_a_controller_that_is_killed_leaves_steps_that_the_next_one_finds(namespace: str) -> None:
    async with a_tree(namespace) as tree:
        task = a_step(f"echo x >>started; {GATE}")
        async with tree.controller() as first:
            place = await tree.place(first, task)
            run = asyncio.create_task(first.run(task, place))
            await is_waiting(tree, task)
            run.cancel()
            await asyncio.wait([run])
        async with tree.controller() as second:
            run = asyncio.create_task(second.run(task, place))
            await until(lambda: tree.epochs)
            await tree.sh("cd /workspace && : >gate")
            assert (await run).exit_code == 6
        assert tree.sink.bytes_of(task.key) == b"waiting\nover\n"
        assert await tree.sh("cat /workspace/started") == b"x\n"


async def test_a_supervisor_that_is_killed_is_replaced(namespace: str) -> None:
    async with a_tree(namespace) as tree, tree.controller() as executor:
        task = a_step(GATE)
        run = asyncio.create_task(tree.run(executor, task))
        await is_waiting(tree, task)
        claim = await tree.sh("cat /wfe/state/main/root/*/claim")
        await tree.sh(f"kill -9 {claim.decode().partition('.')[0]}")
        await tree.sh("cd /workspace && : >gate")
        assert (await run).exit_code == 6
        after = a_step("echo on")
        assert (await tree.run(executor, after)).outcome is TaskOutcome.COMPLETE


async def test_steps_of_two_controllers_start_once_each(namespace: str) -> None:
    async with a_tree(namespace) as tree, tree.controller() as first, tree.controller() as second:
        tasks = [a_step(f"echo {number} >>started") for number in range(30)]
        place = await tree.place(first, tasks[0])
        runs = [executor.run(task, place) for task in tasks for executor in (first, second)]
        ends = await asyncio.gather(*runs)
        assert {end.outcome for end in ends} == {TaskOutcome.COMPLETE}
        started = (await tree.sh("cat /workspace/started")).split()
        assert sorted(map(int, started)) == list(range(30))


async def test_want_of_memory_is_the_failure_of_the_only_step(namespace: str) -> None:
    # Some kernels kill the container, some only the process.
    hungry = "exec python3 -c 'x = b\"x\" * 10**9'"
    async with a_tree(namespace) as tree, tree.controller() as executor:
        ended = await tree.run(executor, a_step(hungry))
        assert ended.outcome is TaskOutcome.FAILED
        assert "memory" in words(ended)
        assert (await tree.run(executor, a_step("echo on"))).outcome is TaskOutcome.COMPLETE


async def test_a_container_that_is_killed_loses_what_ran(namespace: str) -> None:
    async with a_tree(namespace) as tree, tree.controller() as executor:
        tasks = [a_step(GATE), a_step(GATE)]
        runs = [asyncio.create_task(tree.run(executor, task)) for task in tasks]
        for task in tasks:
            await is_waiting(tree, task)
        await tree.sh("kill 1")
        for run in runs:
            assert (await run).outcome is TaskOutcome.LOST
        assert (await tree.run(executor, a_step("echo on"))).outcome is TaskOutcome.COMPLETE


async def test_a_pod_that_is_deleted_loses_what_ran_and_the_workspace(namespace: str) -> None:
    async with a_tree(namespace) as tree, tree.controller() as executor:
        task = a_step(GATE)
        place = await tree.place(executor, task)
        run = asyncio.create_task(executor.run(task, place))
        await is_waiting(tree, task)
        pod = await tree.pod()
        await tree.client.delete(PODS, pod["metadata"]["name"], namespace)
        ended = await run
        assert ended.outcome is TaskOutcome.LOST
        assert "deleted" in words(ended)
        instance = an_instance("root", incarnation=place)()
        await until(lambda: executor.place(instance) == "")
        await until_gone(tree)
        with pytest.raises(CannotGoOn, match="shared files"):
            await executor.admit(task, instance)


async def test_an_image_that_is_not_there_fails_the_step_and_is_named(namespace: str) -> None:
    missing = "localhost/none:testbed"
    patience = timedelta(seconds=10)
    async with (
        a_tree(namespace, needs(DEBIAN, missing), start_patience=patience) as tree,
        tree.controller() as executor,
    ):
        good, bad = a_step("echo fine"), a_step("true", image=missing)
        ends = await asyncio.gather(tree.run(executor, good), tree.run(executor, bad))
        assert ends[0].outcome is TaskOutcome.COMPLETE
        assert ends[1].outcome is TaskOutcome.FAILED
        assert missing in words(ends[1])


async def test_a_secret_that_is_not_there_is_named(namespace: str) -> None:
    its = needs(DEBIAN, secrets=(("nobody", "token"),))
    async with (
        a_tree(namespace, its, start_patience=timedelta(seconds=10)) as tree,
        tree.controller() as executor,
    ):
        ended = await tree.run(executor, a_step("true"))
        assert ended.outcome is TaskOutcome.FAILED
        assert "nobody" in words(ended)


async def test_secrets_reach_steps_and_neither_log(namespace: str) -> None:
    its = needs(DEBIAN, secrets=(("ci", "token"),))
    async with a_tree(namespace, its) as tree, tree.controller() as executor:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "ci"},
            "stringData": {"token": "hunter2"},
        }
        await tree.client.create(Resource("", "v1", "secrets", "Secret"), body, namespace)
        task = a_step('echo "it is $TOKEN"; test "$TOKEN" = hunter2', secrets={"TOKEN": ("ci", "token")})
        assert (await tree.run(executor, task)).exit_code == 0
        assert tree.sink.bytes_of(task.key) == b"it is *******\n"
        assert b"hunter2" not in await tree.log()


async def test_a_released_runner_is_gone(namespace: str) -> None:
    async with a_tree(namespace) as tree, tree.controller() as executor:
        task = a_step("head -c 5000000 /dev/zero")
        assert (await tree.run(executor, task)).outcome is TaskOutcome.COMPLETE
        await executor.release("root")
        assert len(tree.sink.bytes_of(task.key)) == 5_000_000
        assert executor.place(an_instance("root")()) == ""


@pytest.mark.parametrize("image", [DEBIAN, BUSYBOX], ids=["debian", "busybox"])
async def test_short_steps_follow_each_other_within_milliseconds(namespace: str, image: str) -> None:
    async with a_tree(namespace, needs(image)) as tree, tree.controller() as executor:
        first = a_step("echo hello")
        place = await tree.place(executor, first)
        await executor.run(first, place)
        took = []
        for _ in range(300):
            began = monotonic()
            assert (await executor.run(a_step("echo hello"), place)).outcome is TaskOutcome.COMPLETE
            took.append(monotonic() - began)
        # Many times what it takes, and still far from the seconds of a pod for each step.
        assert sorted(took)[150] < 0.5
