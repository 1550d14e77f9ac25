"""Several replicas over one API server, each with a share of the work: nothing is left out, nothing is run twice."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.unit.hosts_kubernetes.world import NAMESPACE, Cluster, Quick, a_cluster
from wfe.hosts.kubernetes.shards import FIRST, SHARDS, is_first, shard_of
from wfe.hosts.kubernetes.term import Term
from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskEnded
from wfe.model.task import Task
from wfe.providers.customresource import INSTANCES, WORKFLOWS

ALL = frozenset(range(SHARDS))
LOW, HIGH = frozenset(range(SHARDS // 2)), frozenset(range(SHARDS // 2, SHARDS))


@dataclass
class Some:
    """A share that a test sets."""

    worked: frozenset[int]

    def works(self, root: str) -> bool:
        return shard_of(root) in self.worked


@dataclass
class Noting(Quick):
    """Notes which attempts it was ever asked to run; whoever asks again for one attaches to it."""

    asked: set[AttemptKey] = field(default_factory=set)

    async def run(self, task: Task, incarnation: str = "") -> TaskEnded:
        self.asked.add(task.key)
        return await super().run(task, incarnation)


def firsts(uids: Mapping[str, str], *steps: str) -> set[AttemptKey]:
    """Return the first attempts of these steps, and no others."""
    return {AttemptKey(uid, step, 1) for uid in uids.values() for step in steps}


async def some_of_both(cluster: Cluster, workflow: str) -> dict[str, str]:
    """Start instances until both halves have two; return their uids by name."""
    uids: dict[str, str] = {}
    while min(sum(shard_of(uid) in half for uid in uids.values()) for half in (LOW, HIGH)) < 2:
        name = f"i{len(uids)}"
        uids[name] = await cluster.start(name, workflow)
    return uids


async def test_each_works_its_share_and_all_is_worked() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "slow")
        uids = await some_of_both(cluster, "w")
        async with cluster.leading(Some(LOW)) as low, cluster.leading(Some(HIGH)) as high:
            for name in uids:
                await cluster.until(name, lambda status: status.get("step") == "slow")
            for uid in uids.values():
                works, rests = (low, high) if shard_of(uid) in LOW else (high, low)
                assert (await drives(works, uid), await drives(rests, uid)) == (True, False)
                cluster.footing.quick.ends(uid, "slow")
            for name in uids:
                assert (await cluster.settled(name))["phase"] == "Complete"
        assert cluster.footing.quick.starts["slow"] == len(uids)


async def drives(term: Term, instance: str) -> bool:
    return (await term.rooms.enter(NAMESPACE)).runtime.is_driving(instance)


async def test_children_are_worked_where_their_root_is() -> None:
    async with a_cluster() as cluster:
        noting = cluster.footing.quick = Noting()
        await cluster.define("child", "a")
        call = {"name": "call", "type": "workflow", "config": {"workflow": "child"}}
        await cluster.define("w", steps=[call])
        uids = await some_of_both(cluster, "w")
        async with cluster.leading(Some(LOW)), cluster.leading(Some(HIGH)):
            for name in uids:
                assert (await cluster.settled(name))["phase"] == "Complete"
        assert len(noting.asked) == len(uids)


async def test_a_share_that_others_leave_is_gone_on_with_and_what_runs_there_runs_once() -> None:
    async with a_cluster() as cluster:
        noting = cluster.footing.quick = Noting()
        await cluster.define("w", "slow")
        share = Some(LOW)
        async with cluster.leading(share) as left:
            async with cluster.leading(Some(HIGH)):
                uids = await some_of_both(cluster, "w")
                for name in uids:
                    await cluster.until(name, lambda status: status.get("step") == "slow")
            share.worked = ALL
            left.gained(HIGH)
            for name, uid in uids.items():
                cluster.footing.quick.ends(uid, "slow")
                assert (await cluster.settled(name))["phase"] == "Complete"
        assert noting.asked == firsts(uids, "slow")


async def test_when_both_believe_to_work_everything_no_attempt_starts_twice() -> None:
    async with a_cluster() as cluster:
        noting = cluster.footing.quick = Noting()
        steps = [f"slow{number}" for number in range(5)]
        await cluster.define("w", *steps)
        async with cluster.leading(), cluster.leading():
            uids = await some_of_both(cluster, "w")
            for step in steps:
                for name, uid in uids.items():
                    await cluster.until(name, lambda status, step=step: status.get("step") == step)  # type: ignore[misc]
                    cluster.footing.quick.ends(uid, step)
            for name in uids:
                assert (await cluster.settled(name))["phase"] == "Complete"
        assert noting.asked == firsts(uids, *steps)


@pytest.mark.parametrize("first", [True, False])
async def test_workflows_are_told_what_came_of_them_by_one(first: bool) -> None:
    async with a_cluster() as cluster:
        share = Some(ALL if first else ALL - {FIRST})
        async with cluster.leading(share) as term:
            await cluster.define("w", "a")
            while "team/w" not in {"/".join(key) for key in term._workflows._told}:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
            found = await cluster.find(WORKFLOWS, "w")
            assert found is not None
            assert bool(found.get("status")) is first
            share.worked = ALL
            assert is_first(share)
            term.gained(frozenset({FIRST}))
            while not (await cluster.find(WORKFLOWS, "w") or {}).get("status"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_what_ended_elsewhere_is_looked_for_by_one() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "a")
        await cluster.start("i", "w", ttlAfterFinished="1h")
        async with cluster.leading():
            await cluster.settled("i")
        await cluster.client.patch(INSTANCES, "i", NAMESPACE, {"spec": {"ttlAfterFinished": "0s"}})
        async with cluster.leading(Some(ALL - {FIRST})), cluster.leading(Some(frozenset({FIRST}))):
            while await cluster.find(INSTANCES, "i") is not None:  # noqa: ASYNC110 - the fake tells nobody
                await asyncio.sleep(0.01)
