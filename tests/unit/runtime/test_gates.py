"""Concurrency groups: who begins when, whoever dies."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.engine.nodes import graph, task
from tests.unit.runtime.site import Site, settled, virtually
from wfe.graph.graph import Graph
from wfe.model.concurrency import Concurrency, Group, Policy
from wfe.model.signals import CancelRequested, ResumeRequested, SuspendRequested

# Whoever cannot be told looks within that.
SOON = 10


def flow(key: str = "deploy", *, limit: int = 1, policy: Policy = Policy.QUEUE) -> Graph:
    return replace(graph(task("a")), concurrency=Concurrency(key, limit, policy))


async def started(site: Site, flow: Graph, *names: str, **inputs: Any) -> None:
    for name in names:
        await site.start(flow, name, inputs=inputs)
        await settled()


async def statuses(site: Site, *names: str) -> list[str]:
    return [await site.status(name) for name in names]


@pytest.mark.parametrize(
    ("before", "limit", "comes", "after"),
    [
        (Group(), 1, "a", Group(("a",))),
        (Group(("a",)), 1, "a", Group(("a",))),
        (Group(("a",)), 1, "b", Group(("a",), ("b",))),
        (Group(("a",), ("b",)), 1, "b", Group(("a",), ("b",))),
        (Group((), ("b", "c")), 1, "b", Group(("b",), ("c",))),
        (Group((), ("b", "c")), 1, "c", Group((), ("b", "c"))),
        (Group((), ("b", "c")), 2, "c", Group(("c",), ("b",))),
        (Group(("a",)), 3, "b", Group(("a", "b"))),
        (Group(("a", "b"), ("c",)), 1, "c", Group(("a", "b"), ("c",))),
    ],
)
def test_a_place_goes_to_who_came_first(before: Group, limit: int, comes: str, after: Group) -> None:
    assert before.joined(comes, limit) == after


@pytest.mark.parametrize(
    ("group", "limit", "me", "older"),
    [
        (Group(("a",), ("b",)), 1, "b", ("a",)),
        (Group(("a",), ("b", "c")), 1, "c", ("a", "b")),
        (Group(("a",), ("b", "c")), 2, "c", ("a",)),
        (Group(("a",), ("b", "c")), 1, "b", ("a",)),
        (Group(("a",)), 1, "a", ()),
    ],
)
def test_the_newest_replace_those_before_them(
    group: Group, limit: int, me: str, older: tuple[str, ...]
) -> None:
    assert group.older(me, limit) == older


@virtually
async def test_no_more_than_the_limit_run_and_the_others_begin_in_turn() -> None:
    site = Site()
    await started(site, flow(limit=2), "i1", "i2", "i3", "i4")
    assert await statuses(site, "i1", "i2", "i3", "i4") == ["Running", "Running", "Pending", "Pending"]
    await site.ends("a", instance="i2")
    assert await statuses(site, "i1", "i2", "i3", "i4") == ["Running", "Complete", "Running", "Pending"]
    await site.ends("a", instance="i1")
    assert await statuses(site, "i3", "i4") == ["Running", "Running"]
    for name in ("i3", "i4"):
        await site.ends("a", instance=name)
    assert await site.store.group("deploy") == Group()


@virtually
async def test_the_key_is_made_of_what_an_instance_begins_with() -> None:
    site, by_environment = Site(), flow("deploy-((environment))")
    await started(site, by_environment, "t1", "t2", environment="test")
    await started(site, by_environment, "p1", environment="production")
    assert await statuses(site, "t1", "t2", "p1") == ["Running", "Pending", "Running"]
    await site.ends("a", instance="t1", environment="production")
    assert await statuses(site, "t1", "t2") == ["Complete", "Running"]


@virtually
async def test_skip_ends_the_new_one_and_says_why() -> None:
    site, skipping = Site(), flow(policy=Policy.SKIP)
    await started(site, skipping, "i1", "i2")
    assert await statuses(site, "i1", "i2") == ["Running", "Terminated"]
    skipped = await site.runtime.wait("i2")
    assert skipped.message == "skipped: another instance runs in concurrency group `deploy`"
    await site.ends("a", instance="i1")
    await started(site, skipping, "i3")
    assert await statuses(site, "i1", "i3") == ["Complete", "Running"]


@virtually
async def test_replace_ends_the_older_ones_and_waits_until_they_have_stopped() -> None:
    site, replacing = Site(), flow(policy=Policy.REPLACE)
    await started(site, replacing, "i1", "i2", "i3")
    assert await statuses(site, "i1", "i2", "i3") == ["Terminated", "Terminated", "Running"]
    replaced = await site.runtime.wait("i1")
    assert replaced.message == "replaced by `i2` in concurrency group `deploy`"


@virtually
async def test_one_that_is_cancelled_while_it_waits_ends_and_gives_up_its_turn() -> None:
    site = Site()
    await started(site, flow(), "i1", "i2", "i3")
    await site.runtime.signal("i2", CancelRequested())
    await settled()
    assert await statuses(site, "i1", "i2", "i3") == ["Running", "Terminated", "Pending"]
    await site.ends("a", instance="i1")
    assert await statuses(site, "i3") == ["Running"]


@virtually
async def test_one_that_is_suspended_while_it_waits_begins_once_it_is_resumed() -> None:
    site = Site()
    await started(site, flow(), "i1", "i2")
    await site.runtime.signal("i2", SuspendRequested())
    await settled()
    await site.ends("a", instance="i1")
    await asyncio.sleep(SOON)
    assert await statuses(site, "i2") == ["Suspended"]
    await site.runtime.signal("i2", ResumeRequested())
    await settled()
    assert await statuses(site, "i2") == ["Running"]


@virtually
async def test_one_that_is_resumed_while_it_still_waits_goes_on_waiting() -> None:
    site = Site()
    await started(site, flow(), "i1", "i2")
    for signal in (SuspendRequested(), ResumeRequested()):
        await site.runtime.signal("i2", signal)
        await settled()
    assert await statuses(site, "i1", "i2") == ["Running", "Pending"]


@virtually
async def test_nobody_waits_for_the_dead() -> None:
    site, group = Site(), flow()
    await site.store.put_group("deploy", Group(), Group(("gone",), ("deleted",)))
    await started(site, group, "i1")
    assert await statuses(site, "i1") == ["Running"]
    assert await site.store.group("deploy") == Group(("i1",))


@virtually
async def test_another_host_s_instances_count_and_its_leaving_is_seen() -> None:
    site, group = Site(), flow()
    await started(site, group, "i1")
    other = site.another()
    other.runtime.open()
    await started(other, group, "i2")
    assert await statuses(site, "i1", "i2") == ["Running", "Pending"]
    await site.ends("a", instance="i1")
    await asyncio.sleep(SOON)
    assert await statuses(site, "i1", "i2") == ["Complete", "Running"]


@virtually
async def test_a_host_that_comes_back_waits_on_and_keeps_the_places_of_those_that_run() -> None:
    site, group = Site(), flow()
    await started(site, group, "i1", "i2")
    await site.runtime.close()
    again = site.another()
    for name in ("i2", "i1"):
        await again.runtime.recover(name)
    await asyncio.sleep(SOON)
    assert await statuses(again, "i1", "i2") == ["Running", "Pending"]
    await again.ends("a", instance="i1")
    assert await statuses(again, "i1", "i2") == ["Complete", "Running"]


@virtually
async def test_a_key_that_cannot_be_made_fails_the_instance() -> None:
    site = Site()
    await started(site, flow("deploy-((environment))"), "i1")
    ended = await site.runtime.wait("i1")
    assert (ended.status, "environment" in str(ended.failure)) == ("Failed", True)
