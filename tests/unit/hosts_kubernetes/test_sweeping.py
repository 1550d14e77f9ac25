"""What is deleted after a while."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.hosts_kubernetes.world import NAMESPACE, Cluster, a_cluster
from wfe.hosts.kubernetes.rooms import Rooms
from wfe.hosts.kubernetes.sweeping import Ended, Sweeper, digests_in, due_at, unused
from wfe.kube.resource import CONTROLLER_REVISIONS
from wfe.providers.customresource import INSTANCES, WORKFLOWS

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def _ended(**changes: Any) -> Ended:
    fields: dict[str, Any] = {
        "namespace": "n",
        "name": "i",
        "uid": "u",
        "phase": "Complete",
        "finished_at": "2030-01-01T12:00:00Z",
        "ttl": None,
        "digest": "",
        **changes,
    }
    return Ended(**fields)


@pytest.mark.parametrize(
    ("ended", "retention", "due"),
    [
        pytest.param(_ended(), {}, NOON + timedelta(days=7), id="by-the-settings"),
        pytest.param(
            _ended(), {"complete": "1h", "failed": "2h"}, NOON + timedelta(hours=1), id="by-its-workflow"
        ),
        pytest.param(
            _ended(phase="Failed"), {"failed": "2h"}, NOON + timedelta(hours=2), id="by-how-it-ended"
        ),
        pytest.param(_ended(ttl="10m"), {"complete": "1h"}, NOON + timedelta(minutes=10), id="by-itself"),
        pytest.param(_ended(ttl=0), {}, NOON, id="at-once"),
        pytest.param(
            _ended(ttl={"a": 1}), {}, NOON + timedelta(days=7), id="garbage-is-as-if-nothing-was-said"
        ),
        pytest.param(_ended(finished_at="soon"), {}, None, id="nobody-knows-when-it-ended"),
    ],
)
def test_an_instance_is_kept_as_long_as_somebody_says(
    ended: Ended, retention: dict[str, Any], due: datetime | None
) -> None:
    assert due_at(ended, retention, "7d") == due


@pytest.mark.parametrize(
    ("spec", "status", "is_one"),
    [
        pytest.param({}, {"finishedAt": "2030-01-01T12:00:00Z"}, True, id="a-root"),
        pytest.param({"parent": {}}, {"finishedAt": "x"}, True, id="nothing-as-parent"),
        pytest.param({"parent": {"id": "x"}}, {"finishedAt": "x"}, False, id="a-child-goes-with-its-root"),
        pytest.param({}, {}, False, id="not-ended"),
    ],
)
def test_only_roots_that_have_ended_are_due(
    spec: dict[str, Any], status: dict[str, Any], is_one: bool
) -> None:
    body = {"metadata": {"namespace": "n", "name": "i", "uid": "u"}, "spec": spec, "status": status}
    assert (Ended.of(body) is not None) is is_one


def test_everything_that_may_be_a_digest_is_in_use() -> None:
    one, other = "a" * 64, "b" * 64
    assert digests_in(f'{{"pins":{{"x":"{one}"}}}}', other, "nothing") == {one, other}


def test_a_definition_is_unused_when_no_digest_begins_like_its_label() -> None:
    label = "wfe.sunbeam.pt/definition"
    kept = {"name": "kept", "labels": {label: "a" * 40}}
    gone = {"name": "gone", "labels": {label: "c" * 40}}
    assert list(unused([kept, gone], {"a" * 64, "b" * 64})) == [gone]


async def test_definitions_that_nothing_uses_go_once_they_are_old() -> None:
    async with a_cluster() as cluster:
        await cluster.define("w", "slow")
        await cluster.start("i", "w")
        async with cluster.leading() as term:
            await cluster.until("i", lambda status: status.get("step") == "slow")
            await cluster.define("w", "slow", "b")
            await cluster.define("v", "a")
            await cluster.start("j", "v")
            await cluster.settled("j")
            await cluster.client.delete(INSTANCES, "j", NAMESPACE)
            await cluster.client.delete(WORKFLOWS, "v", NAMESPACE)
            assert await _definitions(cluster) == {"v", "w"}
            sweeper = _sweeper(cluster, Rooms(term._room, lambda _: None))
            await sweeper.tidy()
            assert await _definitions(cluster) == {"w"}


async def test_only_what_never_began_goes_before_it_is_copied() -> None:
    async def is_copied(_namespace: str, _name: str, _uid: str) -> bool:
        return False

    async with a_cluster() as cluster, cluster.leading() as term:
        sweeper = _sweeper(cluster, Rooms(term._room, lambda _: None))
        sweeper.is_copied = is_copied
        for name, digest in (("ran", "d" * 64), ("never-began", "")):
            uid = await cluster.start(name, "w")
            sweeper.note(Ended(NAMESPACE, name, uid, "Complete", "2020-01-01T00:00:00Z", "0s", digest), {})
        deleting = asyncio.create_task(sweeper._delete_due())
        while await cluster.find(INSTANCES, "never-began") is not None:  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.01)
        assert await cluster.find(INSTANCES, "ran") is not None
        deleting.cancel()
        await asyncio.gather(deleting, return_exceptions=True)


def _sweeper(cluster: Cluster, rooms: Rooms) -> Sweeper:
    return Sweeper(cluster.client, rooms, (), "7d", timedelta(days=1), timedelta(days=-1), lambda: True)


async def _definitions(cluster: Cluster) -> set[str]:
    return {
        one["metadata"]["labels"]["wfe.sunbeam.pt/workflow"]
        async for one in cluster.client.list(CONTROLLER_REVISIONS, NAMESPACE)
    }
