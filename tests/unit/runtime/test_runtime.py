"""Starting, waiting, events, leases, children."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.engine.nodes import SUSPEND, each, graph, leaf, task
from tests.unit.runtime.site import Site, settled, virtually
from wfe.engine import Birth
from wfe.errors import NameTaken, NotFound
from wfe.graph import node as n
from wfe.graph.graph import Field, Graph
from wfe.model.instance import WorkflowRef
from wfe.model.signals import CancelRequested, ResumeRequested, Signal, SuspendRequested
from wfe.ports.store import Query
from wfe.runtime.runtime import HeldElsewhere
from wfe.testing.fakes import FakeExecutor

ONE = graph(task("a"))
WAIT = graph(leaf("w", n.WaitSpec(event="go", key="k")))
PARENT = graph(leaf("c", n.ChildSpec(workflow="child")))


def a_child(*steps: n.Node, **more: Any) -> Graph:
    return replace(graph(*steps, **more), workflow=WorkflowRef("child", 1, "of the child"), source="child")


@virtually
async def test_an_instance_is_started_once_however_often_it_is_asked_for() -> None:
    site = Site()
    assert await site.start(ONE) == await site.start(ONE) == "i"
    await settled()
    assert site.executor.starts == {"a": 1}


@virtually
async def test_a_name_that_is_taken_is_an_error() -> None:
    site = Site()
    await site.start(ONE)
    with pytest.raises(NameTaken):
        await site.runtime.start(ONE, Birth(id="other", name="i"))


@virtually
async def test_waiting_for_what_does_not_exist_says_so() -> None:
    with pytest.raises(NotFound, match="`nobody`"):
        await Site().runtime.wait("nobody")


@virtually
async def test_the_end_of_an_instance_that_another_host_drives_is_seen() -> None:
    site = Site()
    await site.start(ONE)
    other = site.another()
    other.runtime.open()
    waiting = asyncio.create_task(other.runtime.wait("i"))
    await settled()
    await site.ends("a")
    async with asyncio.timeout(1):
        assert (await waiting).status == "Complete"


@virtually
async def test_an_event_published_after_the_start_and_before_the_wait_is_found() -> None:
    site = Site()
    await site.start(graph(task("a"), *WAIT.root.children))
    await asyncio.sleep(1)
    await site.runtime.publish_event("go", "k", {"x": 1})
    await asyncio.sleep(1)
    await site.start(WAIT, "later")
    await site.ends("a")
    assert (await site.runtime.wait("i")).data == {"x": 1}
    assert await site.status("later") == "Running"


@virtually
async def test_an_event_of_another_key_wakes_nobody_and_one_of_another_host_does() -> None:
    site = Site()
    site.runtime.open()
    await site.start(WAIT)
    await site.runtime.publish_event("go", "other", {"x": 0})
    await asyncio.sleep(1)
    assert await site.status() == "Running"
    await site.store.publish("go", "k", {"x": 1}, now=site.clock.now())
    async with asyncio.timeout(1):
        assert (await site.runtime.wait("i")).data == {"x": 1}


@virtually
async def test_an_instance_that_a_living_host_works_on_is_not_taken_from_it() -> None:
    site = Site()
    site.runtime.open()
    await site.start(WAIT)
    other = site.another()
    with pytest.raises(HeldElsewhere, match="`i` is being worked on by another process"):
        await other.runtime.recover("i")
    await site.runtime.close()
    await other.runtime.recover("i")
    assert other.runtime.is_driving("i")


@virtually
async def test_a_host_that_has_lost_the_lease_stops_driving() -> None:
    site = Site()
    site.runtime.open()
    await site.start(ONE)
    await settled()
    site.table.leases["instance/i"].holder = "another"
    await asyncio.sleep(4)
    assert not site.runtime.is_driving("i")
    assert site.executor.running == 0
    assert site.runtime.value("i") is None


@virtually
async def test_the_lease_is_given_back_at_the_end() -> None:
    site = Site(executor=FakeExecutor(obliging=True))
    await site.start(ONE)
    await site.runtime.wait("i")
    await settled()
    assert await site.leases.holder("instance/i") is None


@virtually
async def test_listeners_hear_what_happened_after_it_was_saved() -> None:
    site = Site(executor=FakeExecutor(obliging=True))
    heard: list[tuple[int, str]] = []
    site.runtime.listeners.append(
        lambda instance, change: heard.append((instance.revision, f"{type(change).__name__} {change.status}"))
    )
    await site.start(ONE)
    await site.runtime.wait("i")
    assert heard == [
        (1, "InstanceChanged Running"),
        (1, "StepChanged Running"),
        (2, "StepChanged Complete"),
        (2, "InstanceChanged Complete"),
    ]


@virtually
async def test_a_child_gives_its_declared_outputs_and_sees_inputs_by_name() -> None:
    site = Site(executor=FakeExecutor(obliging=True))
    wanted = Field(name="x", type="number")
    site.knows(a_child(task("a"), inputs={"x": wanted}, outputs={"x": wanted}))
    await site.start(PARENT, inputs={"x": 5})
    assert (await site.runtime.wait("i")).status == "Complete"
    [child] = [one for one in await site.store.list(Query()) if one.parent]
    assert child.name == "i/c"


@virtually
async def test_a_child_that_cannot_be_started_fails_its_step() -> None:
    site = Site()
    site.knows(a_child(task("a"), inputs={"x": Field(name="x", type="number")}))
    await site.start(PARENT)
    ended = await site.runtime.wait("i")
    assert ended.status == "Failed"
    assert "input `x` (number) is missing" in str(ended.failure)


@virtually
async def test_a_child_is_cancelled_suspended_and_resumed_with_its_parent() -> None:
    site = Site()
    site.knows(a_child(task("a"), task("b")))
    await site.start(PARENT)
    await settled()
    [child] = [one for one in await site.store.unfinished() if one != "i"]
    await site.runtime.signal("i", SuspendRequested())
    await settled()
    assert await site.status(child) == "Suspended"
    await site.runtime.signal("i", ResumeRequested())
    await settled()
    assert await site.status(child) == "Running"
    await site.runtime.signal("i", CancelRequested())
    assert (await site.runtime.wait("i")).status == "Terminated"
    assert await site.status(child) == "Terminated"


@virtually
async def test_a_child_that_somebody_deletes_fails_its_step() -> None:
    site = Site()
    site.knows(a_child(task("a")))
    await site.start(PARENT)
    await settled()
    [child] = [one for one in await site.store.unfinished() if one != "i"]
    await site.store.delete(child)
    site.runtime.drop(child)
    site.runtime.open()
    await site.runtime.signal("i", ResumeRequested())
    stored = await site.runtime.wait("i")
    assert stored.status == "Failed"
    assert "was deleted" in str(stored.failure)
    await site.runtime.close()


@virtually
async def test_a_child_that_its_own_error_suspended_waits_for_its_own_resume() -> None:
    site = Site()
    site.knows(a_child(leaf("d", n.DelaySpec(duration="nonsense"), error=SUSPEND)))
    await site.start(PARENT)
    await settled()
    [child] = [one for one in await site.store.unfinished() if one != "i"]
    await site.runtime.signal("i", SuspendRequested())
    await site.runtime.signal("i", ResumeRequested())
    await settled()
    assert (await site.status(), await site.status(child)) == ("Running", "Suspended")


@virtually
async def test_an_offer_that_is_withdrawn_while_it_is_made_does_not_stay() -> None:
    site = Site()
    await site.start(graph(leaf("a", n.ActivitySpec(name="job"))))
    await site.runtime.signal("i", CancelRequested())
    assert (await site.runtime.wait("i")).status == "Terminated"
    await settled()
    assert await site.store.claim_activity("job", "worker", now=site.clock.now()) is None


@virtually
async def test_children_of_an_undisturbed_parent_cost_no_messages() -> None:
    site = Site(executor=FakeExecutor(obliging=True))
    site.knows(a_child(task("a")))
    posts: list[str] = []
    post = site.store.post

    async def counted(instance: str, signal: Signal) -> int:
        posts.append(instance)
        return await post(instance, signal)

    site.store.post = counted  # type: ignore[method-assign]
    await site.start(graph(each("e", [1, 2, 3], leaf("c", n.ChildSpec(workflow="child")))))
    assert (await site.runtime.wait("i")).status == "Complete"
    assert posts == []
