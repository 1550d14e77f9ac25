"""What the runner executor promises beyond the contract: pods that come, go, and are lost; many steps in one."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.runner.cluster import (
    NAMESPACE,
    NODE,
    ROOT,
    SETTINGS,
    Cluster,
    Homes,
    Host,
    container_status,
    needs,
    running,
)
from wfe.definition.services import Service
from wfe.errors import Permanent
from wfe.executors.runner import leftovers
from wfe.executors.runner.admission import NotOurs, NotYet
from wfe.executors.runner.executor import NoContainer
from wfe.kube.resource import EVENTS, PODS, VOLUME_CLAIMS
from wfe.model.failure import Failure, Reason
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.pods import Needs, Owner, StepContainer, WorkspaceKind
from wfe.ports.executor import CannotGoOn
from wfe.ports.logs import Stream
from wfe.testing.builders import a_pointer, an_instance
from wfe.testing.executor_contract import Recorder, a_gate, a_script, until

NO_TIME = timedelta()
LONG = timedelta(minutes=5)


class World:
    """A cluster, and controllers on it, one after another or at once."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.sink = Recorder()
        self.homes = Homes(needs())
        self.hosts: list[Host] = []

    def host(self, **changes: Any) -> Host:
        host = Host(self.cluster, self.homes, self.sink, **changes)
        self.hosts.append(host)
        return host

    async def close(self) -> None:
        for host in self.hosts:
            await host.close(NO_TIME)


Scenario = Callable[[World], Any]


@pytest.fixture
def world(cluster: Cluster) -> World:
    return World(cluster)


async def begun(host: Host, task: ProcessTask, **changes: Any) -> "tuple[str, asyncio.Task[TaskEnded]]":
    """Have a task admitted and run; return the place and the run."""
    place = await host.place_for(task, **changes)
    return place, asyncio.create_task(host.run(task, place))


def a_waiting_task(world: World, name: str = "gate") -> ProcessTask:
    return a_script(f"{a_gate(world.cluster.workspace / name)}; echo over; exit 6")


async def is_waiting(world: World, task: ProcessTask) -> None:
    await until(lambda: world.sink.bytes_of(task.key) == b"waiting\n")


def let_go(world: World, name: str = "gate") -> None:
    (world.cluster.workspace / name).write_text("\n")


async def test_a_tree_has_one_pod_which_many_steps_share(world: World) -> None:
    host = world.host()
    task = a_script("echo one >file")
    place = await host.place_for(task)
    assert place == world.cluster.pod()["metadata"]["uid"]
    assert (await host.run(task, place)).outcome is TaskOutcome.COMPLETE
    second = a_script("cat file")
    instance = an_instance(ROOT, incarnation=place)()
    assert host.place(instance) == place
    assert host.takes(second, place)
    assert (await host.run(second, place)).outcome is TaskOutcome.COMPLETE
    assert world.sink.bytes_of(second.key) == b"one\n"
    assert len(world.cluster.pods()) == 1
    await world.close()


async def test_there_is_room_for_a_task_that_is_expected_and_nothing_else(world: World) -> None:
    host = world.host()
    first, second = a_script("true"), a_script("true")
    place = await host.place_for(first)
    host.expect(first, place)
    await host.run(first, place)
    host.expect(second, place)
    out = world.cluster.attempt(second.key)
    await until(out.is_dir)
    assert list(out.iterdir()) == []
    assert (await host.run(second, place)).outcome is TaskOutcome.COMPLETE
    await world.close()


async def test_what_nobody_was_admitted_to_has_no_place(world: World) -> None:
    host = world.host()
    await host.begun()
    assert host.place(None) == host.place(an_instance(ROOT)()) == ""
    assert not host.takes(a_script("true"), "")
    with pytest.raises(Permanent, match="never given a pod"):
        await host.run(a_script("true"), "")
    await world.close()


@pytest.mark.parametrize(
    "changes",
    [{"isolated": True}, {"image": "other"}, {"memory": "100Gi"}],
    ids=["isolated", "image", "memory"],
)
async def test_a_task_that_does_not_fit_is_not_taken(world: World, changes: dict[str, Any]) -> None:
    host = world.host()
    place = await host.place_for(a_script("true"))
    task = a_script("true", **changes)
    assert not host.takes(task, place)
    with pytest.raises(NoContainer, match="isolation: pod"):
        await host.place_for(task)
    await world.close()


async def test_each_image_has_a_container(world: World) -> None:
    world.homes.needs = needs("other")
    host = world.host()
    task = a_script("echo hi", image="other")
    place = await host.place_for(task)
    assert (await host.run(task, place)).outcome is TaskOutcome.COMPLETE
    assert (world.cluster.attempt(task.key, "other") / "claim").exists()
    assert not world.cluster.attempt(task.key).exists()
    await world.close()


async def test_admitting_twice_is_one_pod(world: World) -> None:
    first, second = world.host(), world.host()
    task = a_script("true")
    assert await first.place_for(task) == await second.place_for(task) == await first.place_for(task)
    await world.close()


async def test_a_volume_is_claimed_before_the_pod(world: World) -> None:
    world.homes.needs = needs(kind=WorkspaceKind.VOLUME)
    host = world.host()
    await host.place_for(a_script("true"))
    created = [seen.resource for seen in world.cluster.server.writes() if seen.verb == "create"]
    assert created == [VOLUME_CLAIMS.plural, PODS.plural]
    await world.close()


async def test_another_owners_pod_is_an_error(world: World) -> None:
    host = world.host()
    await host.place_for(a_script("true"))
    other = world.host()
    await other.begun()
    home = await world.homes.home(ROOT)
    stranger = Owner("v1", "ConfigMap", "stranger", "another-uid")

    async def moved(_: str) -> Any:
        return type(home)(home.root, home.namespace, stranger, home.workflow, home.needs)

    world.homes.home = moved  # type: ignore[assignment,method-assign]
    world.cluster.keeps_deleted = True
    world.cluster.delete()
    await until(lambda: host.place(an_instance(ROOT)()) == "")
    with pytest.raises(NotOurs, match="does not belong to ConfigMap stranger"):
        await host.place_for(a_script("true"))
    await world.close()


async def test_a_pod_that_is_going_away_is_waited_for(world: World) -> None:
    world.homes.needs = needs(kind=WorkspaceKind.NONE)
    host = world.host()
    task = a_script("true")
    place = await host.place_for(task)
    world.cluster.keeps_deleted = True
    world.cluster.delete()
    await until(lambda: not host.takes(task, place))
    with pytest.raises(NotYet):
        await host.place_for(task)
    world.cluster.delete(grace_seconds=0)
    assert await host.place_for(task) != place
    await world.close()


async def test_a_workspace_that_is_gone_ends_the_instance(world: World) -> None:
    host = world.host()
    task = a_script("true")
    place = await host.place_for(task)
    world.cluster.delete()
    await until(lambda: not host.takes(task, place))
    with pytest.raises(CannotGoOn) as raised:
        await host.place_for(task, incarnation=place)
    assert raised.value.failure.reason is Reason.WORKSPACE_LOST
    assert "shared_volume" in raised.value.failure.message
    await world.close()


async def test_hooks_of_an_instance_that_lost_its_workspace_get_a_new_pod(world: World) -> None:
    host = world.host()
    task = a_script("true")
    place = await host.place_for(task)
    world.cluster.delete()
    await until(lambda: not host.takes(task, place))
    failure = Failure(reason=Reason.WORKSPACE_LOST, message="gone")
    assert await host.place_for(task, incarnation=place, failure=failure) != place
    await world.close()


@pytest.mark.parametrize("kind", [WorkspaceKind.VOLUME, WorkspaceKind.NONE])
async def test_other_workspaces_go_on_in_another_pod(world: World, kind: WorkspaceKind) -> None:
    world.homes.needs = needs(kind=kind)
    host = world.host()
    task = a_script("true")
    place = await host.place_for(task)
    world.cluster.delete()
    await until(lambda: not host.takes(task, place))
    assert await host.place_for(task, incarnation=place) != place
    await world.close()


async def test_a_pod_that_the_api_server_refuses_is_an_error(world: World) -> None:
    host = world.host()
    await host.begun()
    faults = world.cluster.server.faults
    world.cluster.call(lambda: faults.answer(422, verb="create", resource="pods"))
    with pytest.raises(Permanent, match="is refused"):
        await host.place_for(a_script("true"))
    await world.close()


async def test_a_step_outlives_its_controller_which_comes_back_with_a_higher_epoch(world: World) -> None:
    first = world.host()
    task = a_waiting_task(world)
    place, run = await begun(first, task)
    await is_waiting(world, task)
    await first.close(NO_TIME)
    await asyncio.wait([run])
    assert world.homes.epochs == 0
    second = world.host()
    run = asyncio.create_task(second.run(task, place))
    await until(lambda: world.homes.epochs == 1)
    let_go(world)
    assert (await run).exit_code == 6
    assert world.sink.bytes_of(task.key) == b"waiting\nover\n"
    await world.close()


async def test_who_was_overtaken_comes_back_only_with_an_epoch_of_the_hosts(world: World) -> None:
    first, second = world.host(), world.host()
    task, other = a_waiting_task(world), a_script("echo other")
    place, run = await begun(first, task)
    await is_waiting(world, task)
    assert (await second.run(other, place)).outcome is TaskOutcome.COMPLETE
    assert world.homes.epochs == 1
    third = a_script("echo third")
    assert (await first.run(third, place)).outcome is TaskOutcome.COMPLETE
    assert world.homes.epochs == 2
    let_go(world)
    assert (await run).exit_code == 6
    await world.close()


async def test_lost_streams_are_opened_again_and_nothing_is_lost(world: World) -> None:
    host = world.host()
    task = a_waiting_task(world)
    _, run = await begun(host, task)
    await is_waiting(world, task)
    for _ in range(3):
        world.cluster.cut_streams()
    let_go(world)
    assert (await run).exit_code == 6
    assert world.sink.bytes_of(task.key) == b"waiting\nover\n"
    await world.close()


async def test_a_stream_that_breaks_before_the_start_was_heard_does_not_start_twice(world: World) -> None:
    host = world.host()
    tasks = [a_script(f"echo {number} >>starts") for number in range(20)]
    place = await host.place_for(tasks[0])
    runs = asyncio.gather(*(host.run(task, place) for task in tasks))
    for _ in range(5):
        world.cluster.cut_streams()
        await asyncio.sleep(0)
    ends = await runs
    assert {end.outcome for end in ends} == {TaskOutcome.COMPLETE}
    started = (world.cluster.workspace / "starts").read_text().split()
    assert sorted(map(int, started)) == list(range(20))
    await world.close()


async def test_a_pod_that_is_deleted_loses_what_ran(world: World) -> None:
    host = world.host()
    task = a_waiting_task(world)
    _, run = await begun(host, task)
    await is_waiting(world, task)
    world.cluster.set_status(phase="Failed", reason="Evicted", message="the node was low on memory")
    world.cluster.delete()
    ended = await run
    assert ended.outcome is TaskOutcome.LOST
    assert ended.failure is not None
    assert "low on memory" in ended.failure.message
    assert (await host.run(task, "another-uid")).outcome is TaskOutcome.LOST
    await world.close()


async def test_a_pod_that_was_removed_by_force_is_lost_only_once_its_node_cannot_run_it(world: World) -> None:
    host = world.host()
    task = a_waiting_task(world)
    place, run = await begun(host, task)
    await is_waiting(world, task)
    runner = host.executor._runners[place]
    for node, least in (
        ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, None),
        ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, 10.0),
        ({"spec": {"taints": [{"key": "node.kubernetes.io/out-of-service"}]}}, 0.0),
        (None, 0.0),
    ):
        world.cluster.set_node(node)
        delay = await runner._kill_delay(NODE)
        assert (delay is None) == (least is None)
        assert delay is None or least is None or delay >= least
    world.cluster.delete(grace_seconds=0)
    assert (await run).outcome is TaskOutcome.LOST
    await world.close()


@pytest.mark.parametrize(
    ("reason", "steps", "outcome", "words"),
    [
        pytest.param("OOMKilled", 1, TaskOutcome.FAILED, "more memory", id="memory-of-one"),
        pytest.param("OOMKilled", 2, TaskOutcome.LOST, "several steps", id="memory-of-many"),
        pytest.param("Error", 1, TaskOutcome.LOST, "started anew", id="something-else"),
    ],
)
async def test_a_container_that_ended(
    world: World, reason: str, steps: int, outcome: TaskOutcome, words: str
) -> None:
    host = world.host()
    tasks = [a_waiting_task(world, f"gate{number}") for number in range(steps)]
    place = await host.place_for(tasks[0])
    runs = [asyncio.create_task(host.run(task, place)) for task in tasks]
    for task in tasks:
        await is_waiting(world, task)
    world.cluster.restart(reason)
    for run in runs:
        ended = await run
        assert ended.outcome is outcome
        assert ended.failure is not None
        assert words in ended.failure.message
    again = a_script("echo on")
    assert (await host.run(again, place)).outcome is TaskOutcome.COMPLETE
    await world.close()


def waiting_for(reason: str, message: str = "why") -> Callable[[dict[str, Any]], dict[str, Any]]:
    def status(pod: dict[str, Any]) -> dict[str, Any]:
        state = {"waiting": {"reason": reason, "message": message}}
        return running(pod) | {
            "phase": "Pending",
            "containerStatuses": [
                container_status(each["name"], state=state) for each in pod["spec"]["containers"]
            ],
        }

    return status


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ImagePullBackOff", "image `default` does not come: why"),
        ("InvalidImageName", "image `default` does not come: why"),
        ("CreateContainerConfigError", "Secret"),
        ("RunContainerError", "/bin/sh"),
    ],
)
async def test_a_container_that_does_not_come_up_fails_its_steps_in_time(
    world: World, reason: str, words: str
) -> None:
    world.cluster.status = waiting_for(reason)
    host = world.host()
    _, run = await begun(host, a_script("true"))
    ended = await run
    assert ended.outcome is TaskOutcome.FAILED
    assert ended.failure is not None
    assert words in ended.failure.message
    await world.close()


async def test_an_image_that_comes_late_is_waited_for(world: World) -> None:
    world.cluster.status = waiting_for("ErrImagePull")
    host = world.host(settings=type(SETTINGS)(start_patience=LONG))
    _, run = await begun(host, a_script("true"))
    await until(lambda: any(seen.verb == "watch" for seen in world.cluster.server.seen))
    world.cluster.set_status(**running(world.cluster.pod()))
    assert (await run).outcome is TaskOutcome.COMPLETE
    await world.close()


async def test_a_mount_that_fails_is_told_from_its_event(world: World) -> None:
    world.cluster.status = waiting_for("ContainerCreating")
    host = world.host()
    place, run = await begun(host, a_script("true"))
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"uid": place},
        "type": "Warning",
        "reason": "FailedMount",
        "message": 'secret "ci" not found',
    }
    world.cluster.call(lambda: world.cluster.server.objects.create(EVENTS, event, NAMESPACE))
    ended = await run
    assert ended.failure is not None
    assert 'secret "ci" not found' in ended.failure.message
    await world.close()


async def test_a_pod_that_no_node_takes_fails_its_steps_in_time(world: World) -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: too little memory"}
    world.cluster.status = lambda _: {"phase": "Pending", "conditions": [condition]}
    host = world.host()
    _, run = await begun(host, a_script("true"))
    ended = await run
    assert ended.failure is not None
    assert "too little memory" in ended.failure.message
    await world.close()


def with_service(timeout: str) -> Needs:
    service = Service.model_validate(
        {"image": "postgres", "ports": [5432], "readiness": {"tcp": 5432, "timeout": timeout}}
    )
    return needs(services={"db": service})


async def test_steps_wait_for_services(world: World) -> None:
    world.homes.needs = with_service("5m")
    late = container_status("db", started=False)
    world.cluster.status = lambda pod: running(pod) | {"phase": "Pending", "initContainerStatuses": [late]}
    host = world.host()
    _, run = await begun(host, a_script("true"))
    await until(lambda: world.hosts and host.executor._runners)
    assert not run.done()
    world.cluster.set_status(initContainerStatuses=[late | {"started": True}])
    assert (await run).outcome is TaskOutcome.COMPLETE
    await world.close()


async def test_a_service_that_is_not_ready_in_time_ends_the_instance(world: World) -> None:
    world.homes.needs = with_service("100ms")
    late = container_status("db", started=False)
    world.cluster.status = lambda pod: running(pod) | {"phase": "Pending", "initContainerStatuses": [late]}
    host = world.host()
    _, run = await begun(host, a_script("true"))
    with pytest.raises(CannotGoOn) as raised:
        await run
    assert raised.value.failure.reason is Reason.SERVICE_NOT_READY
    assert "`db` was not ready within 0.1 s" in raised.value.failure.message
    await world.close()


async def test_a_kill_of_what_waits_for_its_image_does_not_wait(world: World) -> None:
    world.cluster.status = waiting_for("ImagePullBackOff")
    host = world.host(settings=type(SETTINGS)(start_patience=LONG))
    task = a_script("true")
    _, run = await begun(host, task)
    await until(lambda: host._executor is not None and task.key in host.executor._where)
    await host.kill(task.key, NO_TIME)
    assert (await run).outcome is TaskOutcome.CANCELLED
    await world.close()


def with_secrets() -> Needs:
    container = StepContainer(
        image="default",
        name="main",
        memory_unsaid=True,
        cpu_unsaid=True,
        secrets=(("ci", "token"), ("ci", "key")),
    )
    return Needs(default_image="default", containers=(container,))


async def test_secrets_reach_steps_and_no_log(world: World) -> None:
    world.homes.needs = with_secrets()
    host = world.host()
    task = a_script(
        'test "$TOKEN" = hunter2; echo "it is $TOKEN"; cat "$KEY"; cat "$TEXT" >&2',
        secrets={"TOKEN": ("ci", "token")},
        private_files={"KEY": ("ci", "key"), "TEXT": "a text"},
    )
    place = await host.place_for(task)
    await until((world.cluster.root / place / "secrets").exists)
    (world.cluster.root / place / "secrets/ci").mkdir()
    (world.cluster.root / place / "secrets/ci/token").write_text("hunter2")
    (world.cluster.root / place / "secrets/ci/key").write_text("opensesame")
    assert (await host.run(task, place)).outcome is TaskOutcome.COMPLETE
    assert world.sink.bytes_of(task.key) == b"it is *******\n**********"
    assert world.sink.bytes_of(task.key, Stream.STDERR) == b"a text"
    leaks = a_script('echo "it=$TOKEN" >"$WFE_OUTPUT"', secrets={"TOKEN": ("ci", "token")})
    ended = await host.run(leaks, place)
    assert ended.failure is not None
    assert ended.failure.reason is Reason.OUTPUTS_INVALID
    await world.close()


async def test_a_secret_that_is_not_there_fails_the_step(world: World) -> None:
    world.homes.needs = with_secrets()
    host = world.host()
    task = a_script("true", secrets={"TOKEN": ("ci", "token")})
    place = await host.place_for(task)
    ended = await host.run(task, place)
    assert ended.failure is not None
    assert (ended.failure.reason, "secret" in ended.failure.message) == (Reason.CONFIG_INVALID, True)
    await world.close()


async def test_a_released_pod_is_gone_and_all_it_wrote_was_handed_on(world: World) -> None:
    host = world.host()
    task = a_script("head -c 3000000 /dev/zero; echo end")
    place = await host.place_for(task)
    settings = type(SETTINGS)(log_patience=timedelta())
    quick = world.host(settings=settings)
    assert (await quick.run(task, place)).outcome is TaskOutcome.COMPLETE
    await quick.executor.release(ROOT)
    assert len(world.sink.bytes_of(task.key)) == 3_000_004
    await until(lambda: not world.cluster.pods())
    await quick.executor.release(ROOT)
    assert quick.place(an_instance(ROOT)()) == ""
    await world.close()


async def test_outputs_do_not_wait_for_a_log_that_is_late(world: World) -> None:
    host = world.host(settings=type(SETTINGS)(log_patience=timedelta()))
    task = a_script("echo '##wfe[output a=1]'; head -c 3000000 /dev/zero; echo; echo b=2 >\"$WFE_OUTPUT\"")
    place = await host.place_for(task)
    assert (await host.run(task, place)).outputs == {"a": 1, "b": 2}
    await world.close()


async def test_what_ended_attempts_left_is_removed_once_they_are_saved_and_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "ACKNOWLEDGE_AFTER_SECONDS", -1.0)
    host = world.host()
    saved, other = a_script("echo x"), a_script("echo x")
    place = await host.place_for(saved)
    for task in (saved, other):
        await host.run(task, place)
    known = host.executor.leftovers
    await known.read(ROOT, LONG)
    instance = an_instance(ROOT).with_step(other.key.path, a_pointer(attempt=1))()
    assert [one.key for one in known.over(instance)] == [saved.key]
    known.kept(known.over(instance))
    directory = world.cluster.attempt(saved.key)
    await until(lambda: {path.name for path in directory.iterdir()} == {"claim"})
    assert (world.cluster.attempt(other.key) / "end").exists()
    assert (await host.run(saved, place)).outcome is TaskOutcome.LOST
    await world.close()


async def test_only_so_many_streams_are_open_and_all_steps_end(world: World) -> None:
    images = ("b", "c", "d")
    world.homes.needs = needs(*images)
    host = world.host(settings=type(SETTINGS)(streams=3, attaches=1, log_patience=timedelta(seconds=60)))
    tasks = [a_script("sleep 1; echo done", image=image) for image in ("default", *images)]
    place = await host.place_for(tasks[0])
    ends = await asyncio.gather(*(host.run(task, place) for task in tasks))
    assert {end.outcome for end in ends} == {TaskOutcome.COMPLETE}
    for task in tasks:
        assert world.sink.bytes_of(task.key) == b"done\n"
    await world.close()


async def test_a_pod_that_is_given_back_while_a_step_runs_loses_it(world: World) -> None:
    host = world.host()
    task = a_waiting_task(world)
    _, run = await begun(host, task)
    await is_waiting(world, task)
    await host.executor.release(ROOT)
    assert (await run).outcome is TaskOutcome.LOST
    await world.close()


async def test_an_epoch_that_cannot_be_raised_yet_is_waited_for(world: World) -> None:
    first = world.host()
    task = a_waiting_task(world)
    place, run = await begun(first, task)
    await is_waiting(world, task)
    await first.close(NO_TIME)
    await asyncio.wait([run])
    world.homes.failures = 2
    second = world.host()
    run = asyncio.create_task(second.run(task, place))
    await until(lambda: world.homes.epochs == 1)
    let_go(world)
    assert (await run).exit_code == 6
    await world.close()


async def test_an_api_server_that_is_away_for_a_while_fails_no_step(world: World) -> None:
    host = world.host()
    task = a_waiting_task(world)
    _, run = await begun(host, task)
    await is_waiting(world, task)
    faults = world.cluster.server.faults
    world.cluster.call(lambda: faults.answer(503, verb="exec", times=3))
    world.cluster.cut_streams()
    let_go(world)
    assert (await run).exit_code == 6
    await world.close()
