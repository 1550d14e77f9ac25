"""Saves before dispatches, conflicts, lost answers, mail, timers."""

import asyncio

import pytest

from tests.unit.engine.nodes import graph, leaf, par, task
from tests.unit.runtime.site import Site, settled, virtually
from wfe.errors import Conflict, NotFound, StoreUnavailable
from wfe.graph import node as n
from wfe.model.signals import CancelRequested, ResumeRequested, SuspendRequested

TWO = graph(task("a"), task("b"))


@virtually
async def test_nothing_is_dispatched_before_its_save() -> None:
    site = Site()
    await site.start(TWO)
    await settled()
    site.store.before = [StoreUnavailable("gone")]
    await site.ends("a")
    assert site.executor.starts == {"a": 1}
    await asyncio.sleep(1)
    assert site.executor.starts == {"a": 1, "b": 1}


@pytest.mark.parametrize("when", ["before", "after"])
@virtually
async def test_a_save_that_was_not_answered_is_looked_up_and_repeats_no_start(when: str) -> None:
    site = Site()
    await site.start(TWO)
    await settled()
    setattr(site.store, when, [StoreUnavailable("gone")])
    await site.ends("a")
    await asyncio.sleep(1)
    await site.ends("b")
    assert (await site.runtime.wait("i")).status == "Complete"
    assert site.executor.starts == {"a": 1, "b": 1}


@virtually
async def test_a_conflict_is_decided_anew_on_what_the_store_has() -> None:
    site = Site()
    await site.start(TWO)
    await settled()
    site.store.before = [Conflict("overtaken")]
    await site.ends("a", x=1)
    await site.ends("b")
    assert (await site.runtime.wait("i")).data == {"x": 1}


@virtually
async def test_an_unavailable_store_is_asked_less_and_less_often() -> None:
    site = Site()
    await site.start(TWO)
    await settled()
    site.store.before = [StoreUnavailable("gone")] * 8
    await site.ends("a")
    await asyncio.sleep(5)
    assert len(site.store.saves) < 7
    await asyncio.sleep(60)
    assert site.executor.starts["b"] == 1


@virtually
async def test_stale_mail_is_read_once() -> None:
    site = Site()
    await site.start(TWO)
    await site.runtime.signal("i", ResumeRequested())
    await settled()
    assert await site.store.inbox("i") == []
    saves = len(site.store.saves)
    await asyncio.sleep(60)
    assert len(site.store.saves) == saves


@virtually
async def test_a_signal_that_comes_before_the_driver_has_begun_is_heard() -> None:
    site = Site()
    await site.start(TWO)
    await site.runtime.signal("i", CancelRequested())
    assert (await site.runtime.wait("i")).status == "Terminated"


@virtually
async def test_mail_is_consumed_with_the_save_that_acts_on_it() -> None:
    site = Site()
    await site.start(TWO)
    await settled()
    site.store.before = [StoreUnavailable("gone")]
    await site.runtime.signal("i", SuspendRequested())
    await settled()
    assert len(await site.store.inbox("i")) == 1
    await asyncio.sleep(1)
    assert await site.status() == "Suspended"
    assert await site.store.inbox("i") == []


@virtually
async def test_a_signal_survives_the_host_that_took_it() -> None:
    site = Site()
    await site.start(TWO)
    await site.runtime.close()
    await site.runtime.signal("i", CancelRequested())
    later = site.another()
    await later.runtime.recover("i")
    assert (await later.runtime.wait("i")).status == "Terminated"


@virtually
async def test_timers_are_never_early_and_hardly_late() -> None:
    site = Site()
    started = site.clock.now()
    await site.start(graph(leaf("d", n.DelaySpec(duration="3h"))))
    ended = await site.runtime.wait("i")
    assert ended.finished_at is not None
    assert 0 <= (ended.finished_at - started).total_seconds() - 3 * 3600 < 0.01


@virtually
async def test_what_comes_together_is_saved_together() -> None:
    site = Site()
    await site.start(graph(par("p", task("a"), task("b"), task("c"))))
    await settled()
    for path in ("p/a", "p/b", "p/c"):
        site.executor.ends("i", path)
    await settled()
    assert await site.status() == "Complete"
    assert len(site.store.saves) <= 2


@virtually
async def test_an_instance_that_somebody_deleted_ends_only_its_own_driver() -> None:
    site = Site()
    await site.start(TWO)
    await site.start(graph(task("o")), "other")
    await settled()
    await site.store.delete("i")
    waiting = asyncio.create_task(site.runtime.wait("i"))
    await site.ends("a")
    with pytest.raises(NotFound, match="deleted"):
        await waiting
    await site.ends("o", instance="other")
    assert (await site.runtime.wait("other")).status == "Complete"
