"""What the operator hears and reads arrives where it is searched, each once, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from tests.unit.engine.nodes import graph, task
from tests.unit.runtime.copies.test_indexer import Index
from tests.unit.runtime.copies.test_log_shipper import Keeper
from tests.unit.runtime.site import virtually
from wfe.errors import Permanent, StoreUnavailable
from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.copies.known import Target
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.copies.telling import told
from wfe.hosts.kubernetes.homes import Place
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.record import InstanceChanged
from wfe.model.status import InstanceStatus
from wfe.ports.logs import LogQuery, LogRecord, Segment
from wfe.ports.provider import Provider
from wfe.ports.search import SearchQuery
from wfe.testing.builders import NOON, an_instance
from wfe.testing.fakes import FakeClock
from wfe.testing.logs_contract import lines

CHANGE = InstanceChanged(status=InstanceStatus.RUNNING, reason=None, at=NOON)
RUNNING, COMPLETE = InstanceStatus.RUNNING, InstanceStatus.COMPLETE


def at(revision: int, status: InstanceStatus = RUNNING, id: str = "i1") -> Instance:  # noqa: A002
    return an_instance(id, name=f"name-of-{id}", revision=revision).with_status(status)()


class Server(Provider):
    """A server that may be away."""

    def __init__(self) -> None:
        self.index, self.keeper = Index(), Keeper()
        self.errors: list[Exception] = []
        self.opened = 0

    async def open(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.opened += 1

    async def close(self) -> None: ...

    def away(self, is_so: bool) -> None:
        self.index.away = self.keeper.away = is_so

    async def lines(self, **query: Any) -> list[bytes]:
        found = (await self.keeper.search(LogQuery(limit=10_000, **query))).found
        return [record.segment.data for record in found]

    async def statuses(self) -> dict[str, InstanceStatus]:
        return {one.name: one.status for one in (await self.index.find(SearchQuery())).found}


@dataclass
class Cluster:
    """What there is in the cluster: instances, and what is kept of their logs."""

    instances: dict[str, Instance] = field(default_factory=dict)
    kept: list[Segment] = field(default_factory=list)
    broken: Exception | None = None

    async def load(self, instance: str) -> Instance | None:
        return self.instances.get(instance)

    async def pinned(self, _: WorkflowRef) -> Graph:
        return graph(task("compile"))

    async def written(self, namespace: str, instance: str, step: str | None) -> AsyncIterator[Segment]:
        assert namespace == "team"
        if self.broken is not None:
            raise self.broken
        for segment in self.kept:
            if segment.key.instance == instance and step in {None, segment.key.path}:
                yield segment


@dataclass
class World:
    """A cluster, a server, and one life of an operator after another."""

    server: Server = field(default_factory=Server)
    cluster: Cluster = field(default_factory=Cluster)
    limit: int = 10_000_000

    @property
    def place(self) -> Place:
        return Place("team", cast("Any", self.cluster), cast("Any", self.cluster))

    def _find(self, instance: str) -> Place | None:
        return self.place if instance in self.cluster.instances else None

    @asynccontextmanager
    async def life(self) -> AsyncIterator["Life"]:
        """Give an operator that is killed in the end."""
        target = Target(self.server, self.server.index, self.server.keeper)
        copies = Searched(target, self.cluster.written, FakeClock(), limit=self.limit, whereabouts=self._find)
        running = asyncio.create_task(copies.run())
        try:
            yield Life(self, copies)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@dataclass
class Life:
    world: World
    copies: Searched

    def saved(self, instance: Instance) -> None:
        self.world.cluster.instances[instance.id] = instance
        self.copies.heard(self.world.place, instance, CHANGE)

    async def wrote(self, records: Sequence[LogRecord]) -> None:
        for record in records:
            self.world.cluster.kept.append(record.segment)
            await self.copies.write(record.segment)

    def ended(self, instance: Instance) -> None:
        self.saved(instance)
        self.copies.whole(self.world.place, instance)


async def until(is_so: Any) -> None:
    """Wait until something is so; virtual time passes."""
    async with asyncio.timeout(3600):
        while not await is_so():  # noqa: ASYNC110 - virtual time passes
            await asyncio.sleep(0.1)


async def soon() -> None:
    await asyncio.sleep(5)


@virtually
async def test_what_ran_is_found_by_its_namespace_and_name() -> None:
    world = World()
    async with world.life() as life:
        life.saved(at(1))
        await life.wrote(lines(10))
        life.ended(at(2, COMPLETE))
        await soon()
        assert await world.server.statuses() == {"team/name-of-i1": COMPLETE}
        assert len(await world.server.lines(namespace="team")) == 10
        assert life.copies.ending == 0
        assert await life.copies.has_end_of("i1")


@virtually
async def test_an_end_arrives_when_the_lines_have() -> None:
    world = World()
    async with world.life() as life:
        life.saved(at(1))
        await soon()
        world.server.keeper.away = True
        await life.wrote(lines(10))
        life.ended(at(2, COMPLETE))
        await asyncio.sleep(60)
        assert await world.server.statuses() == {"team/name-of-i1": RUNNING}
        assert not await life.copies.has_end_of("i1")
        assert [line for line in told(life.copies.lags()) if "away" in line]
        world.server.keeper.away = False
        await until(lambda: life.copies.has_end_of("i1"))
        assert len(await world.server.lines()) == 10
        assert told(life.copies.lags()) == []


@virtually
async def test_what_a_process_had_on_its_way_when_it_died_is_sent_when_its_instance_ends() -> None:
    world = World()
    async with world.life() as life:
        life.saved(at(1))
        await life.wrote(lines(5))
        await soon()
        world.server.away(True)
        await life.wrote(lines(10)[5:])
    world.server.away(False)
    async with world.life() as life:
        life.copies.meet(world.place, at(1))
        life.ended(at(2, COMPLETE))
        await until(lambda: life.copies.has_end_of("i1"))
    assert await world.server.lines() == [record.segment.data for record in lines(10)]


@virtually
async def test_an_end_that_a_process_took_with_it_is_known_to_be_missing() -> None:
    world = World()
    async with world.life() as life:
        life.saved(at(1))
        await soon()
        world.server.away(True)
        await life.wrote(lines(3))
        life.ended(at(2, COMPLETE))
        await soon()
    world.server.away(False)
    async with world.life() as life:
        assert await life.copies.without_end(["i1"]) == ["i1"]
        life.copies.whole(world.place, at(2, COMPLETE))
        assert await life.copies.without_end(["i1"]) == []
        await until(lambda: life.copies.has_end_of("i1"))
    assert len(await world.server.lines()) == 3


@virtually
async def test_what_does_not_fit_in_memory_is_read_from_what_is_kept() -> None:
    world = World(limit=2000)
    async with world.life() as life:
        life.saved(at(1))
        world.server.away(True)
        await life.wrote(lines(500))
        assert life.copies.lags()["logs"].again == 1
        world.server.away(False)
        life.ended(at(2, COMPLETE))
        await until(lambda: life.copies.has_end_of("i1"))
    assert await world.server.lines() == [record.segment.data for record in lines(500)]


@virtually
async def test_an_instance_that_another_drove_is_put_if_the_index_is_behind() -> None:
    world = World()
    async with world.life() as life:
        life.saved(at(3, id="known"))
        life.saved(at(3, id="changed"))
        await soon()
    world.server.index.puts.clear()
    world.cluster.instances |= {"changed": at(4, id="changed"), "new": at(1, id="new")}
    async with world.life() as life:
        for instance in (at(3, id="known"), at(4, id="changed"), at(1, id="new")):
            life.copies.meet(world.place, instance)
        await soon()
        kept = {one.id: one.revision for one in await world.server.index.kept(["known", "changed", "new"])}
    assert kept == {"known": 3, "changed": 4, "new": 1}
    assert sum(world.server.index.puts) == 2


@virtually
async def test_nobody_finds_an_instance_that_was_deleted_before_its_end() -> None:
    world = World()
    async with world.life() as life:
        for id_ in ("gone", "ended"):
            life.saved(at(1, id=id_))
        await life.wrote(lines(3, instance="gone"))
        await soon()
        del world.cluster.instances["gone"]
        life.copies.gone("gone")
        life.ended(at(2, COMPLETE, id="ended"))
        del world.cluster.instances["ended"]
        life.copies.gone("ended")
        await soon()
    assert await world.server.statuses() == {"team/name-of-ended": COMPLETE}
    assert len(await world.server.lines()) == 3


@virtually
async def test_what_is_deleted_while_lines_wait_is_not_waited_for() -> None:
    world = World(limit=1)
    async with world.life() as life:
        life.saved(at(1))
        await life.wrote(lines(3))
        world.cluster.kept.clear()
        life.copies.gone("i1")
        await soon()
        assert life.copies.lags()["logs"].again == 0


@virtually
async def test_a_server_that_is_away_or_unusable_at_first_is_waited_for() -> None:
    world = World()
    world.server.errors = [StoreUnavailable("it is down"), Permanent("the password is wrong")]
    async with world.life() as life:
        life.saved(at(1))
        await life.wrote(lines(3))
        await asyncio.sleep(3)
        assert "the password is wrong" in life.copies.lags()["logs"].trouble
        life.ended(at(2, COMPLETE))
        await asyncio.sleep(60)
        assert await life.copies.has_end_of("i1")
    assert len(await world.server.lines()) == 3


@virtually
async def test_a_log_that_cannot_be_read_holds_nothing_else_up() -> None:
    world = World()
    world.cluster.broken = Permanent("you may not")
    async with world.life() as life:
        life.ended(at(7, COMPLETE))
        await until(lambda: life.copies.has_end_of("i1"))


@virtually
async def test_lines_of_a_child_that_ended_long_ago_have_its_name() -> None:
    world = World()
    world.cluster.instances["child"] = at(9, COMPLETE, id="child")
    async with world.life() as life:
        await life.wrote(lines(3, instance="child"))
        await life.wrote(lines(3, instance="unknown"))
        await soon()
        assert len(await world.server.lines(namespace="team")) == 3
        assert len(await world.server.lines()) == 6
        assert life.copies.lags()["logs"].waiting == 0


async def test_many_ends_are_held_by_name_alone() -> None:
    world = World()
    world.server.errors = [StoreUnavailable("away")] * 10_000
    async with world.life() as life:
        for number in range(700):
            life.ended(at(2, COMPLETE, id=f"i{number}"))
        held = [value for value in life.copies._ending.values() if value is not None]
    assert (life.copies.ending, len(held)) == (700, 500)
    assert timedelta() <= life.copies.lags()["search"].behind
