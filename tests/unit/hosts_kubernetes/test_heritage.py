"""The files of an instance that is retried."""

from typing import Any

import pytest

from tests.unit.hosts_kubernetes.world import NAMESPACE, Cluster, a_led_cluster
from wfe.hosts.kubernetes.heritage import Heritage, StillUsed
from wfe.kube import Client
from wfe.kube.resource import PODS, VOLUME_CLAIMS
from wfe.pods import labels
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, Workspace, WorkspaceKind
from wfe.providers.customresource import INSTANCES
from wfe.testing.apiserver import ApiServer, serving

SOURCE, RETRY, OTHER = "source-uid", "retry-uid", "other-uid"
VOLUME = {"shared_volume": {"mount_path": "/workspace", "size": "1Gi"}}


def a_home(kind: WorkspaceKind = WorkspaceKind.VOLUME) -> Home:
    """Return the home of a retry that would take over what its source has."""
    owner = Owner(INSTANCES.api_version, INSTANCES.kind, "again", RETRY)
    needs = Needs(default_image="runner", workspace=Workspace(kind=kind))
    return Home(RETRY, NAMESPACE, owner, "w", needs, SOURCE)


async def a_claim(client: Client, owner: str, source: str = SOURCE) -> None:
    metadata = {"name": labels.volume_name(source), "labels": {labels.ROOT: owner}}
    await client.create(
        VOLUME_CLAIMS,
        {"metadata": {**metadata, "ownerReferences": [{"uid": owner, "kind": "X", "name": "x"}]}},
        NAMESPACE,
    )


def owners(server: ApiServer, source: str = SOURCE) -> list[str]:
    found = server.objects.get(VOLUME_CLAIMS, labels.volume_name(source), NAMESPACE)
    return [owner["uid"] for owner in found["metadata"]["ownerReferences"]]


@pytest.mark.parametrize(
    ("kind", "owner", "is_taken", "after"),
    [
        pytest.param(WorkspaceKind.VOLUME, SOURCE, True, RETRY, id="it-moves-over"),
        pytest.param(WorkspaceKind.VOLUME, RETRY, True, RETRY, id="it-has-moved-before-a-crash"),
        pytest.param(WorkspaceKind.VOLUME, OTHER, False, OTHER, id="another-retry-has-it"),
        pytest.param(WorkspaceKind.POD, SOURCE, False, SOURCE, id="the-workspace-is-of-the-pod"),
        pytest.param(WorkspaceKind.NONE, SOURCE, False, SOURCE, id="there-is-no-workspace"),
    ],
)
async def test_a_volume_belongs_to_one_instance(
    kind: WorkspaceKind, owner: str, *, is_taken: bool, after: str
) -> None:
    async with serving([VOLUME_CLAIMS, PODS]) as (server, client):
        await a_claim(client, owner)
        assert await Heritage(client).take(a_home(kind), SOURCE) is is_taken
        assert owners(server) == [after]


async def test_a_volume_that_was_never_made_is_not_taken() -> None:
    async with serving([VOLUME_CLAIMS, PODS]) as (_, client):
        assert not await Heritage(client).take(a_home(), SOURCE)


async def test_a_volume_moves_over_once_the_pods_of_its_owner_are_gone() -> None:
    async with serving([VOLUME_CLAIMS, PODS]) as (server, client):
        await a_claim(client, SOURCE)
        await client.create(PODS, {"metadata": {"name": "p", "labels": {labels.ROOT: SOURCE}}}, NAMESPACE)
        with pytest.raises(StillUsed, match="pod p of the instance"):
            await Heritage(client).take(a_home(), SOURCE)
        await client.delete(PODS, "p", NAMESPACE)
        assert await Heritage(client).take(a_home(), SOURCE)
        assert owners(server) == [RETRY]


async def retried(cluster: Cluster, name: str, of: str) -> str:
    """Retry an instance, and return the id of the retry once it has ended as well."""
    uid = await cluster.start(name, "w", retryOf={"name": of})
    await cluster.settled(name)
    return uid


async def test_a_retry_of_a_retry_has_the_volume_of_the_first() -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "a", "bad", **VOLUME)
        first = await cluster.start("one", "w")
        await cluster.settled("one")
        await a_claim(cluster.client, first, first)
        second = await retried(cluster, "two", "one")
        assert owners(cluster.server, first) == [second]
        third = await retried(cluster, "three", "two")
        assert owners(cluster.server, first) == [third]
        assert [reason for _, reason in await cluster.events() if reason == "FilesNotCarried"] == []


@pytest.mark.parametrize(
    ("spec", "is_told"),
    [
        pytest.param({}, True, id="a-pod"),
        pytest.param(VOLUME, True, id="a-volume-that-is-gone"),
        pytest.param({"workspace": "none"}, False, id="none"),
    ],
)
async def test_a_retry_without_the_files_says_so(spec: dict[str, Any], *, is_told: bool) -> None:
    async with a_led_cluster() as cluster:
        await cluster.define("w", "a", "bad", **spec)
        await cluster.start("one", "w")
        await cluster.settled("one")
        await retried(cluster, "two", "one")
        while ("two", "Failed") not in (events := await cluster.events()):
            pass
        assert (("two", "FilesNotCarried") in events) is is_told
