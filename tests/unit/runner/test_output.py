"""What steps write, without the secrets that they see, until it is kept elsewhere."""

from datetime import timedelta

import pytest

from tests.unit.runner.cluster import ROOT, SETTINGS, Cluster
from tests.unit.runner.world import LONG, a_world
from wfe.executors.runner import leftovers
from wfe.model.failure import Reason
from wfe.model.signals import TaskOutcome
from wfe.pods.needs import Needs, StepContainer
from wfe.ports.logs import Stream
from wfe.testing.builders import a_pointer, an_instance
from wfe.testing.executor_contract import a_script, until


def with_secrets(*others: StepContainer) -> Needs:
    container = StepContainer(
        image="default",
        name="main",
        memory_unsaid=True,
        cpu_unsaid=True,
        secrets=(("ci", "token"), ("ci", "key")),
    )
    return Needs(default_image="default", containers=(container, *others))


async def test_secrets_reach_steps_and_no_log(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
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
        leaks = a_script('echo "$TOKEN" >"$WFE_OUTPUT"', secrets={"TOKEN": ("ci", "token")})
        ended = await host.run(leaks, place)
        assert ended.failure is not None
        assert ended.failure.reason is Reason.OUTPUTS_INVALID
        assert "hunter2" not in str(ended)


async def test_a_secret_that_goes_through_the_workspace_is_masked_in_other_containers(
    cluster: Cluster,
) -> None:
    other = StepContainer(image="other", name="other", memory_unsaid=True, cpu_unsaid=True)
    async with a_world(cluster) as world:
        world.homes.needs = with_secrets(other)
        host = world.host()
        keeps = a_script('printf %s "$TOKEN" > kept', secrets={"TOKEN": ("ci", "token")})
        place = await host.place_for(keeps)
        await until((world.cluster.root / place / "secrets").exists)
        (world.cluster.root / place / "secrets/ci").mkdir()
        (world.cluster.root / place / "secrets/ci/token").write_text("hunter2")
        assert (await host.run(keeps, place)).outcome is TaskOutcome.COMPLETE
        tells = a_script("cat kept; echo", image="other")
        assert (await host.run(tells, place)).outcome is TaskOutcome.COMPLETE
        assert world.sink.bytes_of(tells.key) == b"*******\n"


async def test_a_secret_that_is_not_there_fails_the_step(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.homes.needs = with_secrets()
        host = world.host()
        task = a_script("true", secrets={"TOKEN": ("ci", "token")})
        place = await host.place_for(task)
        ended = await host.run(task, place)
        assert ended.failure is not None
        assert (ended.failure.reason, "secret" in ended.failure.message) == (Reason.CONFIG_INVALID, True)


async def test_a_released_pod_is_gone_and_all_it_wrote_was_handed_on(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
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


async def test_outputs_do_not_wait_for_a_log_that_is_late(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host = world.host(settings=type(SETTINGS)(log_patience=timedelta()))
        task = a_script(
            "echo '##wfe[output a=1]'; head -c 3000000 /dev/zero; echo; echo b=2 >\"$WFE_OUTPUT\""
        )
        place = await host.place_for(task)
        assert (await host.run(task, place)).outputs == {"a": 1, "b": 2}


async def test_what_ended_attempts_left_is_removed_once_they_are_saved_and_kept(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(cluster) as world:
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
