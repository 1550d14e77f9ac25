"""Where steps run: a pod for each tree, a container for each image, and what there is no place for."""

from typing import Any

import pytest

from tests.unit.runner.cluster import ROOT, Cluster, needs
from tests.unit.runner.world import a_world
from wfe.errors import Permanent
from wfe.executors.runner.admission import NotOurs, NotYet
from wfe.executors.runner.executor import NoContainer
from wfe.kube.resource import PODS, VOLUME_CLAIMS
from wfe.model.failure import Failure, Reason
from wfe.model.signals import TaskOutcome
from wfe.pods.home import Owner
from wfe.pods.needs import WorkspaceKind
from wfe.ports.executor import CannotGoOn
from wfe.testing.builders import an_instance
from wfe.testing.executor_contract import a_script, until


async def test_a_tree_has_one_pod_which_many_steps_share(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
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


async def test_there_is_room_for_a_task_that_is_expected_and_nothing_else(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
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


async def test_what_nobody_was_admitted_to_has_no_place(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        await host.begun()
        assert host.place(None) == host.place(an_instance(ROOT)()) == ""
        assert not host.takes(a_script("true"), "")
        with pytest.raises(Permanent, match="never given a pod"):
            await host.run(a_script("true"), "")


@pytest.mark.parametrize(
    "changes",
    [{"isolated": True}, {"image": "other"}, {"memory": "100Gi"}],
    ids=["isolated", "image", "memory"],
)
async def test_a_task_that_does_not_fit_is_not_taken(cluster: Cluster, changes: dict[str, Any]) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        place = await host.place_for(a_script("true"))
        task = a_script("true", **changes)
        assert not host.takes(task, place)
        with pytest.raises(NoContainer, match="isolation: pod"):
            await host.place_for(task)


async def test_each_image_has_a_container(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.homes.needs = needs("other")
        host = world.host()
        task = a_script("echo hi", image="other")
        place = await host.place_for(task)
        assert (await host.run(task, place)).outcome is TaskOutcome.COMPLETE
        assert (world.cluster.attempt(task.key, "other") / "claim").exists()
        assert not world.cluster.attempt(task.key).exists()


async def test_admitting_twice_is_one_pod(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        first, second = world.host(), world.host()
        task = a_script("true")
        assert await first.place_for(task) == await second.place_for(task) == await first.place_for(task)


async def test_a_volume_is_claimed_before_the_pod(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        world.homes.needs = needs(kind=WorkspaceKind.VOLUME)
        host = world.host()
        await host.place_for(a_script("true"))
        created = [seen.resource for seen in world.cluster.server.writes() if seen.verb == "create"]
        assert created == [VOLUME_CLAIMS.plural, PODS.plural]


async def test_another_owners_pod_is_an_error(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
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


async def test_a_pod_that_is_going_away_is_waited_for(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
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


async def test_a_workspace_that_is_gone_ends_the_instance(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        task = a_script("true")
        place = await host.place_for(task)
        world.cluster.delete()
        await until(lambda: not host.takes(task, place))
        with pytest.raises(CannotGoOn) as raised:
            await host.place_for(task, incarnation=place)
        assert raised.value.failure.reason is Reason.WORKSPACE_LOST
        assert "shared_volume" in raised.value.failure.message


async def test_hooks_of_an_instance_that_lost_its_workspace_get_a_new_pod(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        task = a_script("true")
        place = await host.place_for(task)
        world.cluster.delete()
        await until(lambda: not host.takes(task, place))
        failure = Failure(reason=Reason.WORKSPACE_LOST, message="gone")
        assert await host.place_for(task, incarnation=place, failure=failure) != place


@pytest.mark.parametrize("kind", [WorkspaceKind.VOLUME, WorkspaceKind.NONE])
async def test_other_workspaces_go_on_in_another_pod(cluster: Cluster, kind: WorkspaceKind) -> None:
    async with a_world(cluster) as world:
        world.homes.needs = needs(kind=kind)
        host = world.host()
        task = a_script("true")
        place = await host.place_for(task)
        world.cluster.delete()
        await until(lambda: not host.takes(task, place))
        assert await host.place_for(task, incarnation=place) != place


async def test_a_pod_that_the_api_server_refuses_is_an_error(cluster: Cluster) -> None:
    async with a_world(cluster) as world:
        host = world.host()
        await host.begun()
        faults = world.cluster.server.faults
        world.cluster.call(lambda: faults.answer(422, verb="create", resource="pods"))
        with pytest.raises(Permanent, match="is refused"):
            await host.place_for(a_script("true"))
