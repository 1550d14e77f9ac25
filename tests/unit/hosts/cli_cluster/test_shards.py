"""`wfe shards`: who shares the work of an operator."""

import asyncio
import re
from datetime import timedelta

import pytest

from tests.unit.hosts.cli_cluster.cluster import NAMESPACE, Cluster
from wfe.hosts.cli.cluster.members import members_of
from wfe.hosts.kubernetes.shards import SHARDS, TTL, shards_of
from wfe.kube.resource import LEASES
from wfe.providers.customresource import KubernetesLeases
from wfe.providers.customresource.leases import lease_name


def held(cluster: Cluster, holder: str, key: str) -> None:
    """Have a replica take a lease."""

    async def take() -> None:
        async with cluster.client() as client:
            leases = KubernetesLeases(client, NAMESPACE, holder, now=client.now)
            assert await leases.acquire(key, TTL) is not None

    asyncio.run(take())


def test_the_shards_of_a_group_are_divided_among_its_members_alone() -> None:
    holders = {
        "operator/0": "a",
        "operator/1": "b",
        "operator-of/team/0": "c",
        "slot/7": "x",
        "operators": "y",
    }

    found = members_of(holders, {"operator/1": timedelta(seconds=3)})

    assert [(one.lease, one.name) for one in found] == [
        ("operator/0", "a"),
        ("operator/1", "b"),
        ("operator-of/team/0", "c"),
    ]
    assert [one.shards for one in found] == [
        len(shards_of("a", "ab")),
        len(shards_of("b", "ab")),
        SHARDS,
    ]
    assert sum(one.is_first for one in found) == 2
    assert [one.renewed for one in found] == [None, timedelta(seconds=3), None]


def test_slots_are_in_the_order_of_their_numbers() -> None:
    found = members_of({f"operator/{number}": f"m{number}" for number in (10, 9, 0)}, {})

    assert [one.lease for one in found] == ["operator/0", "operator/9", "operator/10"]


def test_members_are_shown_with_their_shares(cluster: Cluster) -> None:
    held(cluster, "pod-a", "operator/0")
    held(cluster, "pod-b", "operator/1")

    said = cluster.wfe("shards").stdout

    shares = {name: len(shards_of(name, {"pod-a", "pod-b"})) for name in ("pod-a", "pod-b")}
    lines = [
        re.sub(r"\d+s ago", "AGO", " ".join(line.split())) for line in said.replace(" *", "").splitlines()
    ]
    assert lines == [
        "REPLICA SHARDS RENEWED LEASE",
        f"pod-a {shares['pod-a']}/256 AGO operator/0",
        f"pod-b {shares['pod-b']}/256 AGO operator/1",
    ]
    assert said.count(" *") == 1


def test_members_are_printed_as_json(cluster: Cluster) -> None:
    held(cluster, "pod-a", "operator/0")

    (one,) = cluster.json("shards")

    assert one.pop("renewedSecondsAgo") >= 0
    assert one == {"name": "pod-a", "lease": "operator/0", "shards": 256, "first": True}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"renewTime": "2020-01-01T00:00:00.000000Z"}, id="its-holder-died"),
        pytest.param({"holderIdentity": None}, id="its-holder-gave-it-back"),
    ],
)
def test_a_lease_that_does_not_last_is_no_member(cluster: Cluster, spec: dict[str, str | None]) -> None:
    held(cluster, "pod-a", "operator/0")
    cluster.patch(LEASES, lease_name("operator/0"), {"spec": spec})

    result = cluster.wfe("shards")

    assert result.stdout == ""
    assert "no replica of an operator holds a Lease in this namespace" in result.stderr


def test_a_url_without_leases_is_refused_with_the_way_out(cluster: Cluster) -> None:
    result = cluster.wfe("shards", "--url", "files:/nowhere", code=2)

    assert "keeps no leases; use `redis://…`" in result.output


def test_the_leases_of_another_store_are_asked_by_its_url(cluster: Cluster) -> None:
    result = cluster.wfe("shards", "--url", "memory:")

    assert "no replica of an operator holds a lease there" in result.stderr
