"""Hosts that share the instances of a store: whose turn it is, and what follows when one dies or forgets."""

import asyncio
from dataclasses import dataclass, field, replace

from tests.unit.engine.nodes import graph, leaf, task
from tests.unit.runtime.site import Site, settled, virtually
from wfe.engine import Birth
from wfe.graph import node as n
from wfe.graph.graph import Graph
from wfe.model.instance import WorkflowRef
from wfe.model.signals import CancelRequested
from wfe.providers.memory.queue import MemoryQueue, QueueTable
from wfe.runtime.leftovers import Leftovers
from wfe.runtime.trees import TTL
from wfe.runtime.worker import PARK_AFTER, Worker
from wfe.testing.fakes import FakeExecutor

TWO = graph(task("a"), task("b"))
WAITS = replace(
    graph(leaf("w", n.WaitSpec(event="go", key="k"))),
    workflow=WorkflowRef("waits", 1, "of it"),
    source="waits",
)


def slow(name: str, *, patient: bool = False) -> FakeExecutor:
    return FakeExecutor(incarnation=name, patient=patient)


# A claim and a lease run out, and somebody looks.
LONG_ENOUGH = 60


@dataclass
class Workshop:
    """Workers on one store, one queue and one table of leases; each has an executor of its own."""

    table: QueueTable = field(default_factory=QueueTable)
    site: Site = field(default_factory=lambda: Site(name="client"))
    workers: dict[str, tuple[Worker, "asyncio.Task[None]"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.site.knows(TWO, WAITS)
        self.queue = MemoryQueue(self.table, now=self.site.clock.now)

    async def submit(self, *instances: str, flow: Graph = TWO) -> None:
        for instance in instances:
            await self.site.runtime.submit(flow, Birth(id=instance, name=instance))
            await self.queue.put(instance, self.site.clock.now())

    def worker(self, name: str, *, capacity: int = 10, executor: FakeExecutor | None = None) -> Site:
        executor = executor or FakeExecutor(incarnation=name, obliging=True)
        host = self.site.another(name=name, executor=executor)
        runtime = host.runtime
        runtime.park_after = PARK_AFTER
        runtime.open()
        leftovers = Leftovers(
            host.store, host.clock, host.nursery, host.definitions, host.tasks, executor.started
        )
        queue = MemoryQueue(self.table, now=host.clock.now)
        worker = Worker(runtime, queue, leftovers, runtime.recover, runtime.is_driving, capacity)
        self.workers[name] = (worker, asyncio.create_task(worker.run()))
        return host

    async def kill(self, host: Site) -> None:
        """End a worker as SIGKILL does: nothing is given back."""
        worker, work = self.workers.pop(host.name)
        worker.queue = MemoryQueue(QueueTable(), now=host.clock.now)
        work.cancel()
        await host.nursery.close()

    async def stop(self, host: Site) -> None:
        _, work = self.workers.pop(host.name)
        work.cancel()
        await asyncio.wait([work])
        await host.runtime.close()

    async def statuses(self, *instances: str) -> list[str]:
        return [await self.site.status(instance) for instance in instances]


@virtually
async def test_workers_share_what_there_is_and_nothing_starts_twice() -> None:
    shop = Workshop()
    names = [f"i{number}" for number in range(12)]
    await shop.submit(*names)
    hosts = [shop.worker(name, capacity=4) for name in ("one", "two")]
    await asyncio.sleep(LONG_ENOUGH)
    assert await shop.statuses(*names) == ["Complete"] * 12
    starts = [host.executor.starts for host in hosts]
    assert starts[0] + starts[1] == {"a": 12, "b": 12}
    assert all(each["a"] for each in starts)


@virtually
async def test_no_more_than_its_capacity_is_driven_and_what_only_waits_does_not_count() -> None:
    shop = Workshop()
    await shop.submit("w1", "w2", flow=WAITS)
    host = shop.worker("one", capacity=2, executor=slow("one"))
    await asyncio.sleep(LONG_ENOUGH)
    await shop.submit("i1", "i2", "i3")
    await asyncio.sleep(1)
    assert await shop.statuses("w1", "w2", "i1", "i2", "i3") == [*["Running"] * 4, "Pending"]
    await host.runtime.publish_event("go", "k", None)
    await settled()
    assert await shop.statuses("w1", "w2") == ["Complete", "Complete"]


@virtually
async def test_what_a_killed_worker_had_is_taken_by_another() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one"))
    await settled()
    await one.ends("a")
    await shop.kill(one)
    two = shop.worker("two")
    await asyncio.sleep(LONG_ENOUGH)
    assert await shop.statuses("i") == ["Complete"]
    assert (one.executor.starts, two.executor.starts) == ({"a": 1, "b": 1}, {"b": 1})


@virtually
async def test_what_a_stopped_worker_had_is_taken_at_once() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one"))
    await settled()
    await shop.stop(one)
    shop.worker("two")
    await settled()
    assert shop.table.entries["i"].token is not None


@virtually
async def test_what_the_queue_has_forgotten_is_found_in_the_store() -> None:
    shop = Workshop()
    await shop.submit("i")
    shop.table.entries.clear()
    shop.worker("one")
    await asyncio.sleep(LONG_ENOUGH)
    assert await shop.statuses("i") == ["Complete"]


@virtually
async def test_a_queue_that_forgets_while_one_works_gives_it_to_nobody_else() -> None:
    shop = Workshop()
    await shop.submit("i")
    one, two = (shop.worker(name, executor=slow(name)) for name in ("one", "two"))
    await settled()
    shop.table.entries.clear()
    await asyncio.sleep(LONG_ENOUGH)
    assert sorted([one.runtime.is_driving("i"), two.runtime.is_driving("i")]) == [False, True]
    assert one.executor.starts + two.executor.starts == {"a": 1}


@virtually
async def test_a_worker_that_lost_the_lease_lets_go_of_the_claim() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one"))
    await settled()
    shop.site.table.leases.clear()
    other = Site(store=shop.site.store, clock=shop.site.clock, table=shop.site.table, name="other")
    await other.leases.acquire("instance/i", PARK_AFTER * 100)
    await asyncio.sleep(LONG_ENOUGH)
    assert not one.runtime.is_driving("i")
    assert "i" not in shop.table.entries


@virtually
async def test_what_the_leases_have_forgotten_is_taken_again_before_anybody_looks_through_the_store() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one", patient=True))
    await settled()
    two = shop.worker("two", executor=slow("two", patient=True))
    await settled()
    shop.site.table.leases["instance/i"].holder = None
    await asyncio.sleep(TTL.total_seconds() * 0.9)
    assert sorted([one.runtime.is_driving("i"), two.runtime.is_driving("i")]) == [False, True]


@virtually
async def test_a_worker_alone_takes_again_what_leases_and_queue_have_forgotten() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one"))
    await settled()
    shop.table.entries.clear()
    shop.site.table.leases["instance/i"].holder = None
    await asyncio.sleep(LONG_ENOUGH)
    assert one.runtime.is_driving("i")
    assert await one.leases.holder("instance/i") == "one"
    await one.ends("a")
    await one.ends("b")
    assert await shop.statuses("i") == ["Complete"]


@virtually
async def test_an_attempt_left_in_another_place_is_told_of_by_the_next_host_there() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one"))
    await settled()
    await shop.kill(one)
    two = shop.worker("two", executor=slow("two", patient=True))
    await asyncio.sleep(LONG_ENOUGH)
    assert two.executor.starts == {}
    again = shop.worker("one", executor=one.executor)
    await asyncio.sleep(LONG_ENOUGH)
    await again.ends("a")
    await asyncio.sleep(1)
    assert two.executor.starts == {"b": 1}


@virtually
async def test_an_attempt_that_is_to_stop_is_killed_where_it_was_left() -> None:
    shop = Workshop()
    await shop.submit("i")
    one = shop.worker("one", executor=slow("one"))
    await settled()
    await shop.kill(one)
    two = shop.worker("two", executor=slow("two", patient=True))
    await asyncio.sleep(LONG_ENOUGH)
    await two.runtime.signal("i", CancelRequested())
    again = shop.worker("one", executor=one.executor)
    await asyncio.sleep(LONG_ENOUGH)
    assert again.executor.killed == ["a"]
    assert await shop.statuses("i") == ["Terminated"]
