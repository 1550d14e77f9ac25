"""Of an instance that only waits nothing is kept but what wakes it."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.unit.engine.nodes import graph, leaf, par, task
from tests.unit.runtime.site import Site, settled, virtually
from wfe.graph import node as n
from wfe.graph.graph import Graph
from wfe.model.signals import CancelRequested, SuspendRequested

WAIT = leaf("w", n.WaitSpec(event="go", key="k"))
HOUR = leaf("d", n.DelaySpec(duration="1h"))


def a_site() -> Site:
    site = Site()
    site.runtime.park_after = timedelta(seconds=30)
    site.runtime.open()
    return site


async def parked(site: Site, flow: Graph) -> Site:
    await site.start(flow)
    await asyncio.sleep(40)
    assert site.runtime.is_driving("i")
    assert site.runtime.is_parked("i")
    assert site.runtime.value("i") is None
    return site


@virtually
async def test_a_parked_instance_goes_on_at_its_time_and_not_before() -> None:
    site = await parked(a_site(), graph(HOUR))
    await asyncio.sleep(3600 - 41)
    assert await site.status() == "Running"
    await asyncio.sleep(2)
    assert await site.status() == "Complete"
    await site.runtime.close()


@virtually
async def test_an_event_wakes_it_whoever_published_it() -> None:
    for here in (True, False):
        site = await parked(a_site(), graph(WAIT))
        publisher = site if here else site.another()
        await publisher.runtime.publish_event("go", "k", 1)
        assert (await site.runtime.wait("i")).status == "Complete"
        await site.runtime.close()


@virtually
async def test_a_signal_wakes_it_stored_or_told() -> None:
    def told(site: Site) -> Any:
        assert site.runtime.tell("i", CancelRequested())
        return settled()

    for give in (lambda site: site.runtime.signal("i", CancelRequested()), told):
        site = await parked(a_site(), graph(par("p", WAIT, HOUR)))
        await give(site)
        assert (await site.runtime.wait("i")).status == "Terminated"
        await site.runtime.close()


@virtually
async def test_what_it_is_told_in_the_moment_it_would_be_parked_is_heard() -> None:
    site = a_site()
    loop = asyncio.get_running_loop()
    await site.start(graph(WAIT))
    loop.call_at(loop.time() + 30, site.runtime.tell, "i", CancelRequested())
    assert (await site.runtime.wait("i")).status == "Terminated"
    await site.runtime.close()


@virtually
async def test_one_that_cannot_be_decided_about_does_not_hold_up_who_recovers() -> None:
    site = a_site()
    await site.start(graph(task("a")))
    site.runtime.drop("i")
    await settled()
    site.store.inbox_is_away = True
    await site.runtime.recover("i")
    assert site.runtime.value("i") is not None
    await site.runtime.close()


@virtually
async def test_what_runs_is_never_parked() -> None:
    site = a_site()
    await site.start(graph(par("p", WAIT, task("a"))))
    await asyncio.sleep(100)
    assert site.runtime.value("i") is not None
    await site.ends("p/a")
    await asyncio.sleep(40)
    assert site.runtime.value("i") is None
    await site.runtime.close()


@virtually
async def test_one_that_is_found_waiting_is_parked_at_once_and_one_that_goes_on_is_not() -> None:
    site = await parked(a_site(), graph(WAIT))
    site.runtime.drop("i")
    await settled()
    await site.runtime.recover("i")
    # So of many that are found one after the other, few are in memory at once.
    assert site.runtime.is_driving("i")
    assert site.runtime.value("i") is None
    # Somebody may need a while to find what woke it.
    await site.runtime.signal("i", SuspendRequested())
    await asyncio.sleep(20)
    assert site.runtime.value("i") is not None
    await site.runtime.close()

    site = await parked(a_site(), graph(WAIT, leaf("w2", n.WaitSpec(event="go", key="other"))))
    await site.runtime.publish_event("go", "k", 1)
    await asyncio.sleep(10)
    assert site.runtime.value("i") is not None
    await asyncio.sleep(40)
    assert site.runtime.value("i") is None
    await site.runtime.close()


@virtually
async def test_a_parked_instance_that_is_dropped_is_left_to_others() -> None:
    site = await parked(a_site(), graph(WAIT))
    site.runtime.drop("i")
    await settled()
    assert not site.runtime.is_driving("i")
    assert not site.runtime.is_parked("i")
    later = site.another()
    await later.runtime.recover("i")
    await later.runtime.publish_event("go", "k", None)
    assert (await later.runtime.wait("i")).status == "Complete"
    await site.runtime.close()
