"""What steps wrote is in an object or in a pod, whenever the process dies."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.unit.runner.cluster import NAMESPACE, ROOT, Cluster, Homes, Host, needs
from wfe.errors import Retryable
from wfe.executors.pod import PodExecutor
from wfe.executors.runner import leftovers
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.hosts.kubernetes.keeping import Keeper
from wfe.kube import Client
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.record import AttemptRecord, StepRecord
from wfe.model.signals import TaskOutcome
from wfe.pods.home import Home
from wfe.ports.logs import Segment
from wfe.providers.customresource import LogArchive
from wfe.runtime.clock import SystemClock
from wfe.testing.builders import a_pointer, a_record, an_instance
from wfe.testing.executor_contract import a_gate, a_script, until

CHILD = "0123456789abcdef0123456789abcdef"


@dataclass
class Truth:
    """What the store knows: the instances, and the history of each."""

    instances: dict[str, Instance] = field(default_factory=dict)
    records: dict[str, list[StepRecord]] = field(default_factory=dict)

    async def load(self, instance: str) -> Instance | None:
        return self.instances.get(instance)

    async def history(self, instance: str) -> Sequence[StepRecord]:
        return self.records.get(instance, [])

    def ended(self, key: AttemptKey, **changes: Any) -> None:
        """An attempt has ended, and that is saved."""
        own = self.records.setdefault(key.instance, [])
        at = SystemClock().now()
        own.append(a_record(len(own), path=key.path, attempts=key.attempt, ended_at=at, **changes))
        self.instances.setdefault(key.instance, an_instance(key.instance)())


@dataclass
class TheHomes:
    """All are at home in the pod of one root."""

    homes: Homes

    async def home(self, instance: str) -> Home:
        return await self.homes.home(instance)

    async def learn(self, place: Place, instance: Instance) -> None: ...

    def namespace_of(self, instance: str) -> str:
        return NAMESPACE

    def has_own(self, instance: Instance) -> bool:
        return instance.id == ROOT


class NoPods:
    """The executor of isolated pods, of which there are none."""

    def settled(self, instance: Instance) -> list[Any]:
        return []

    async def remove(self, pods: list[Any]) -> None: ...

    async def read_rest(self, instance: str) -> None: ...


class Life:
    """One life of an operator: an executor, and an archive in memory, which is gone with it."""

    def __init__(self, cluster: Cluster, truth: Truth) -> None:
        self.homes = Homes(needs())
        self.truth = truth
        self.host = Host(cluster, self.homes, self)
        self.archive: Archives | None = None
        self.heard = 0

    async def write(self, segment: Segment) -> None:
        assert self.archive is not None
        await self.archive.write(segment)
        self.heard += 1

    async def open(self) -> "Life":
        executor = await self.host.begun()
        homes = cast("TreeHomes", TheHomes(self.homes))
        self.archive = Archives(self.host.client, homes)
        self.keeper = Keeper(executor, cast("PodExecutor", NoPods()), homes, self.archive)
        self.known = executor.leftovers
        self.client: Client = self.host.client
        return self

    @property
    def place(self) -> Place:
        return Place(NAMESPACE, cast("Any", self.truth), cast("Any", None))

    async def runs(self, text: str, path: str, *, instance: str = ROOT, attempt: int = 1) -> AttemptKey:
        """Run a step to its end, and have that saved."""
        key = AttemptKey(instance, path, attempt)
        task = a_script(text, key)
        place = await self.host.place_for(task)
        assert (await self.host.run(task, place)).outcome is TaskOutcome.COMPLETE
        self.truth.ended(key)
        return key

    async def relieve(self, instance: Instance) -> None:
        await self.keeper.relieve(await self.homes.home(ROOT), instance)

    async def ends(self, instance: str = ROOT) -> None:
        """Keep what is to be kept of an instance that has ended."""
        ended = self.truth.instances.setdefault(instance, an_instance(instance)())
        await self.keeper.keep_tree(self.place, ended)

    async def kept(self, instance: str = ROOT) -> list[str]:
        """Return the lines that are in objects."""
        archive = LogArchive(self.client, NAMESPACE)
        return [segment.data.decode().strip() async for segment in archive.read(instance)]

    async def writes(self) -> int:
        """Return how many objects there are for logs."""
        return len([one async for one in self.client.list(CONFIG_MAPS, NAMESPACE)])


@dataclass
class World:
    """A cluster, and one operator after another."""

    cluster: Cluster
    truth: Truth = field(default_factory=Truth)

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Life]:
        """Give an operator that is killed in the end."""
        life = await Life(self.cluster, self.truth).open()
        try:
            yield life
        finally:
            await life.host.close(timedelta())


@pytest.fixture
def world(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(leftovers, "ACKNOWLEDGE_AFTER_SECONDS", 0.0)
    return World(cluster)


async def test_lines_of_steps_that_ended_in_an_earlier_life_are_kept_in_their_order(world: World) -> None:
    async with world.life() as first:
        for number in range(3):
            await first.runs(f"echo line {number}; echo oh {number} >&2", f"s{number}")
    async with world.life() as second:
        await second.runs("echo line 3", "s3")
        await second.ends()
        found = await second.kept()
    assert [line for line in found if line.startswith("line")] == [f"line {number}" for number in range(4)]
    assert sorted(line for line in found if line.startswith("oh")) == ["oh 0", "oh 1", "oh 2"]


async def test_lines_are_kept_once_however_often_lives_end_before_the_pod_is_given_back(
    world: World,
) -> None:
    async with world.life() as life:
        await life.runs("echo a", "s0")
        await life.relieve(world.truth.instances[ROOT])
        await life.runs("echo b", "s1")
    for _ in range(3):
        async with world.life() as life:
            await life.ends()
    async with world.life() as life:
        assert await life.kept() == ["a", "b"]


async def test_every_attempt_of_a_step_is_read_again(world: World) -> None:
    async with world.life() as life:
        for attempt in (1, 2):
            await life.runs(f"echo attempt {attempt}", "again", attempt=attempt)
    records = world.truth.records[ROOT]
    ended = records[0].ended_at
    first = AttemptRecord(attempt=1, outcome="failed", exit_code=1, started_at=None, ended_at=ended)
    world.truth.records[ROOT] = [replace(records[1], attempt_records=(first,))]
    async with world.life() as life:
        await life.ends()
        assert await life.kept() == ["attempt 1", "attempt 2"]


async def test_attempts_of_a_step_that_goes_on_are_read_again(world: World) -> None:
    async with world.life() as life:
        await life.runs("echo attempt 1", "again")
        await life.runs("echo attempt 2", "again", attempt=2)
    world.truth.records.clear()
    world.truth.instances[ROOT] = an_instance(ROOT).with_step("again", a_pointer(attempt=3))()
    async with world.life() as life:
        await life.ends()
        assert sorted(await life.kept()) == ["attempt 1", "attempt 2"]


async def test_a_step_that_runs_while_the_operator_dies_is_kept_once(world: World) -> None:
    task = a_script(f"{a_gate(world.cluster.workspace / 'gate')}; echo over", AttemptKey(ROOT, "s", 1))
    async with world.life() as first:
        place = await first.host.place_for(task)
        run = asyncio.create_task(first.host.run(task, place))
        assert first.archive is not None
        await until(lambda: first.heard)
        await first.relieve(an_instance(ROOT).with_step("s", a_pointer(attempt=1))())
        assert await first.kept() == ["waiting"]
        run.cancel()
    async with world.life() as second:
        run = asyncio.create_task(second.host.run(task, place))
        await until(lambda: second.heard)
        (world.cluster.workspace / "gate").write_text("\n")
        await run
        world.truth.ended(task.key)
        await second.ends()
        assert await second.kept() == ["waiting", "over"]


async def test_what_children_wrote_is_kept_before_the_pod_of_their_root_is_given_back(world: World) -> None:
    async with world.life() as life:
        await life.runs("echo root", "s")
        await life.runs("echo child", "s", instance=CHILD)
        await life.ends()
        assert (await life.kept(), await life.kept(CHILD)) == (["root"], ["child"])


async def test_what_children_wrote_in_an_earlier_life_is_kept_too(world: World) -> None:
    async with world.life() as life:
        await life.runs("echo child", "s", instance=CHILD)
    async with world.life() as life:
        await life.ends()
        assert await life.kept(CHILD) == ["child"]


async def test_the_pod_removes_what_is_kept_and_nothing_else(world: World) -> None:
    async with world.life() as life:
        life.keeper.born(ROOT)
        saved = await life.runs("echo a", "saved")
        other = await life.runs("echo b", "other")
        await life.known.read(ROOT, timedelta(minutes=1))
        await life.relieve(an_instance(ROOT).with_step("other", a_pointer(attempt=1))())
        directory = world.cluster.attempt(saved)
        await until(lambda: {path.name for path in directory.iterdir()} == {"claim"})
        assert (world.cluster.attempt(other) / "end").exists()
        assert sorted(await life.kept()) == ["a", "b"]


async def test_nothing_is_removed_from_a_pod_as_long_as_it_cannot_be_kept(world: World) -> None:
    async with world.life() as life:
        key = await life.runs("echo a", "s")
        await life.known.read(ROOT, timedelta(minutes=1))
        world.cluster.call(lambda: world.cluster.server.faults.answer(403, resource="configmaps"))
        with pytest.raises(Retryable):
            await life.relieve(world.truth.instances[ROOT])
        assert [one.key for one in life.known.of(ROOT)] == [key]
        await life.relieve(world.truth.instances[ROOT])
        assert (await life.kept(), len(life.known.of(ROOT))) == (["a"], 0)


async def test_a_pod_is_relieved_after_so_many_attempts_and_a_step_costs_no_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "MOST_ATTEMPTS", 4)
    async with world.life() as life:
        for number in range(3):
            await life.runs(f"echo {number}", f"s{number}")
            assert not life.keeper.is_due(ROOT)
        await life.runs("echo 3", "s3")
        assert life.keeper.is_due(ROOT)
        assert await life.writes() == 0
        await life.known.read(ROOT, timedelta(minutes=1))
        await life.relieve(world.truth.instances[ROOT])
        assert not life.keeper.is_due(ROOT)
        assert await life.writes() == 1


async def test_a_pod_is_relieved_of_large_logs_sooner(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "MOST_BYTES", 100_000)
    async with world.life() as life:
        await life.runs("head -c 200000 /dev/zero | tr '\\0' x", "s")
        await life.known.read(ROOT, timedelta(minutes=1))
        assert life.keeper.is_due(ROOT)


async def test_a_pod_that_many_instances_share_is_relieved_before_it_is_full(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "CROWDED", 4)
    monkeypatch.setattr(leftovers, "LEAST_ATTEMPTS", 2)
    async with world.life() as life:
        for number in range(2):
            await life.runs("true", f"s{number}")
            await life.runs("true", f"s{number}", instance=CHILD)
        assert life.keeper.is_due(ROOT)
        assert life.keeper.is_due(CHILD)


async def test_a_pod_that_is_gone_keeps_no_instance_from_ending(world: World) -> None:
    async with world.life() as life:
        await life.runs("echo a", "s")
    world.cluster.delete()
    async with world.life() as life:
        await life.ends()
        assert await life.kept() == []


async def test_what_was_read_of_a_pod_that_is_gone_since_is_kept_soon(world: World) -> None:
    async with world.life() as life:
        await life.runs("echo a", "s")
        await life.known.read(ROOT, timedelta(minutes=1))
        assert not life.keeper.is_due(ROOT)
        world.cluster.delete()
        await until(lambda: life.keeper.is_due(ROOT))
        await life.relieve(world.truth.instances[ROOT])
        assert not life.keeper.is_due(ROOT)
    async with world.life() as life:
        assert await life.kept() == ["a"]
