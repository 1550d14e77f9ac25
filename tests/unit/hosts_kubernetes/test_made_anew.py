"""An instance that is deleted and made anew under its name: the first is let go, the second runs like any other.

The operator may hear of both at once: what was deleted is then never seen to be gone, and only the uid tells.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.hosts_kubernetes.world import NAMESPACE, Cluster, a_led_cluster
from wfe.hosts.kubernetes.rooms import Room
from wfe.providers.customresource import INSTANCES

WAITS = {"name": "waits", "wait_for": {"event": "go", "key": "k"}}
CALLS = {"name": "call", "type": "workflow", "config": {"workflow": "slow"}}


async def the_room(cluster: Cluster) -> Room:
    """Return the room of the namespace, in which something always is."""
    assert cluster.term is not None
    await cluster.start("another", "missing")
    await cluster.reason("another", "WorkflowNotFound")
    return await cluster.term.rooms.enter(NAMESPACE)


async def made_anew(cluster: Cluster, of: str, *, at_once: bool) -> str:
    """Delete the instance `i` and make another of its name; return its uid."""
    if not at_once:
        await cluster.client.delete(INSTANCES, "i", NAMESPACE)
        return await cluster.start("i", of)
    objects = cluster.server.objects
    objects.delete(INSTANCES, "i", NAMESPACE)
    body = {"metadata": {"name": "i"}, "spec": {"workflowRef": {"name": of}}}
    made = objects.create(INSTANCES, body, NAMESPACE)
    # What follows the objects has to list them anew, and a list does not tell what is gone.
    cluster.server.compact()
    cluster.server.drop_watches()
    return str(made["metadata"]["uid"])


async def held(cluster: Cluster) -> None:
    await cluster.reason("i", "WorkflowNotFound")


async def running(cluster: Cluster) -> None:
    await cluster.until("i", lambda status: status.get("step") == "slow")


async def waiting(cluster: Cluster) -> None:
    await cluster.reason("i", "Waiting")


async def parked(cluster: Cluster) -> None:
    """Wait until nobody waits with it."""
    await waiting(cluster)
    assert cluster.term is not None
    room = await cluster.term.rooms.enter(NAMESPACE)
    while room.runtime.value(room.ids["i"]) is not None:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)


async def calling(cluster: Cluster) -> None:
    await cluster.until("i", lambda status: status.get("step") == "call")


async def failed(cluster: Cluster) -> None:
    await cluster.settled("i")


@pytest.mark.parametrize(
    "at_once", [pytest.param(True, id="heard-of-at-once"), pytest.param(False, id="one-by-one")]
)
@pytest.mark.parametrize(
    ("steps", "is_so"),
    [
        pytest.param(None, held, id="pending"),
        pytest.param([{"name": "slow", "config": {"run": "true"}}], running, id="running"),
        pytest.param([WAITS], waiting, id="waiting"),
        pytest.param([WAITS], parked, id="parked"),
        pytest.param([CALLS], calling, id="waiting-for-a-child"),
        pytest.param([{"name": "bad", "config": {"run": "false"}}], failed, id="ended"),
    ],
)
async def test_it_is_let_go_and_its_successor_runs(
    steps: list[dict[str, Any]] | None, is_so: Callable[[Cluster], Awaitable[None]], *, at_once: bool
) -> None:
    async with a_led_cluster() as cluster:
        room = await the_room(cluster)
        room.runtime.park_after = timedelta(milliseconds=10) if is_so is parked else None
        await cluster.define("slow", "slow")
        await cluster.define("fine", "a")
        if steps is not None:
            await cluster.define("first", steps=steps)
        first = await cluster.start("i", "first")
        await is_so(cluster)
        ran = is_so not in {held, failed}
        second = await made_anew(cluster, "fine", at_once=at_once)
        status = await cluster.settled("i")
        assert (status["phase"], status["engine"]["id"]) == ("Complete", second)
        assert not room.runtime.is_driving(first)
        assert (first in cluster.footing.forgotten) is ran
        assert "i" not in room.ids


async def test_one_that_is_made_anew_while_it_begins_is_begun_as_the_second() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("fine", "a")
        held_up = cluster.server.faults.hold(verb="patch", resource=INSTANCES.plural, subresource="status")
        await cluster.start("i", "fine")
        await held_up.reached.wait()
        second = await made_anew(cluster, "fine", at_once=True)
        held_up.free.set()
        status = await cluster.settled("i")
        assert (status["phase"], status["engine"]["id"]) == ("Complete", second)


async def test_what_an_instance_leaves_at_its_end_is_not_taken_from_its_successor() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("quick", "a")
        await cluster.define("long", "slow")
        room = await the_room(cluster)
        cluster.footing.may_clear.clear()
        first = await cluster.start("i", "quick")
        await cluster.footing.clearing.wait()
        second = await made_anew(cluster, "long", at_once=True)
        await running(cluster)
        finishing = room.finishing[first]
        cluster.footing.may_clear.set()
        await finishing
        assert room.ids == {"i": second}
