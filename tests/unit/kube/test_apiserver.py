"""The fake itself: where a test that stands on it would be fooled if it were wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from wfe.kube import ApiInvalid, ApiNotFound, ApiUnavailable, Client, Resource
from wfe.kube.resource import CONFIG_MAPS, NAMESPACES, PODS
from wfe.kube.transport import Request
from wfe.kube.watching import watch_lines
from wfe.testing.apiserver import ApiServer, Refused, Served, serving
from wfe.testing.apiserver.containers import Print

WIDGETS = Resource("example.test", "v1", "widgets", "Widget")


def size_is_a_number(item: dict[str, Any], before: dict[str, Any] | None) -> str | None:
    spec, old = item.get("spec", {}), (before or {}).get("spec", {})
    if not isinstance(spec.get("size", 0), int):
        return "spec.size: must be a number"
    if "fixed" in old and spec.get("fixed") != old["fixed"]:
        return "spec.fixed: may not change"
    return None


@asynccontextmanager
async def here() -> AsyncIterator[tuple[ApiServer, Client]]:
    served: list[Resource | Served] = [
        PODS,
        CONFIG_MAPS,
        NAMESPACES,
        Served(WIDGETS, ("status.active",), size_is_a_number),
    ]
    async with serving(served) as pair:
        yield pair


def owned(name: str, *owners: dict[str, Any]) -> dict[str, Any]:
    references = [{"kind": "Widget", "name": "x", "uid": owner["metadata"]["uid"]} for owner in owners]
    return {"metadata": {"name": name, "ownerReferences": references}}


async def test_a_finalizer_holds_an_object_until_it_is_taken_off() -> None:
    async with here() as (_, client):
        body = {"metadata": {"name": "a", "finalizers": ["example.test/hold"]}}
        await client.create(WIDGETS, body, "n")
        assert await client.delete(WIDGETS, "a", "n")
        marked = await client.get(WIDGETS, "a", "n")
        assert marked["metadata"]["deletionTimestamp"]
        assert await client.delete(WIDGETS, "a", "n")
        assert await client.get(WIDGETS, "a", "n") == marked
        await client.patch(WIDGETS, "a", "n", {"metadata": {"finalizers": None}})
        with pytest.raises(ApiNotFound):
            await client.get(WIDGETS, "a", "n")


@pytest.mark.parametrize(
    ("propagation", "left"),
    [
        pytest.param(None, ["of-both"], id="as-usual"),
        pytest.param("Background", ["of-both"], id="background"),
        pytest.param("Foreground", ["of-both"], id="foreground"),
        pytest.param("Orphan", ["of-a", "of-b-of-a", "of-both"], id="orphan"),
    ],
)
async def test_what_an_owner_alone_held_goes_with_it(propagation: Any, left: list[str]) -> None:
    async with here() as (_, client):
        owner = await client.create(WIDGETS, {"metadata": {"name": "a"}}, "n")
        other = await client.create(WIDGETS, {"metadata": {"name": "b"}}, "n")
        child = await client.create(CONFIG_MAPS, owned("of-a", owner), "n")
        await client.create(CONFIG_MAPS, owned("of-b-of-a", child), "n")
        await client.create(CONFIG_MAPS, owned("of-both", owner, other), "n")
        await client.delete(WIDGETS, "a", "n", propagation=propagation)
        found = client.list(CONFIG_MAPS, "n")
        assert [item["metadata"]["name"] async for item in found] == left


async def test_a_pod_on_a_node_stays_until_its_kubelet_is_done() -> None:
    async with here() as (server, client):
        spec = {"nodeName": "node", "terminationGracePeriodSeconds": 5}
        await client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, "n")
        assert await client.delete(PODS, "p", "n")
        ending = await client.get(PODS, "p", "n")
        assert ending["metadata"]["deletionGracePeriodSeconds"] == 5
        server.objects.delete(PODS, "p", "n", grace_seconds=0)
        assert not await client.delete(PODS, "p", "n")


async def test_a_pod_without_a_node_is_gone_at_once() -> None:
    async with here() as (server, client):
        await client.create(PODS, {"metadata": {"name": "p"}, "spec": {}}, "n")
        await client.delete(PODS, "p", "n")
        assert server.objects.all(PODS) == []


async def test_a_namespace_takes_along_what_is_in_it() -> None:
    async with here() as (server, client):
        await client.create(NAMESPACES, {"metadata": {"name": "n"}})
        owner = await client.create(WIDGETS, {"metadata": {"name": "a"}}, "n")
        await client.create(CONFIG_MAPS, owned("b", owner), "n")
        await client.create(CONFIG_MAPS, {"metadata": {"name": "b"}}, "other")
        await client.delete(NAMESPACES, "n")
        assert [item["metadata"]["namespace"] for item in server.objects.all(CONFIG_MAPS)] == ["other"]
        assert server.objects.all(WIDGETS) == []


async def test_a_write_that_changes_nothing_is_no_event() -> None:
    async with here() as (server, client):
        made = await client.create(WIDGETS, {"metadata": {"name": "a"}, "spec": {"size": 1}}, "n")
        assert await client.patch(WIDGETS, "a", "n", {"spec": {"size": 1}}) == made
        assert len(server.objects.history) == 1


async def test_what_belongs_to_the_server_is_not_written() -> None:
    async with here() as (_, client):
        lie = {"metadata": {"name": "a", "generation": 7, "creationTimestamp": "x", "uid": "mine"}}
        made = await client.create(WIDGETS, lie, "n")
        assert made["metadata"]["generation"] == 1
        assert made["metadata"]["uid"] != "mine"
        patched = await client.patch(WIDGETS, "a", "n", {"metadata": {"generation": 9, "labels": {"a": "b"}}})
        assert (patched["metadata"]["generation"], patched["metadata"]["labels"]) == (1, {"a": "b"})


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"spec": {"size": "large"}}, id="wrong-value"),
        pytest.param({"spec": {"fixed": 2}}, id="wrong-change"),
    ],
)
async def test_a_rule_of_a_resource_is_kept(patch: dict[str, Any]) -> None:
    async with here() as (_, client):
        made = await client.create(WIDGETS, {"metadata": {"name": "a"}, "spec": {"fixed": 1}}, "n")
        with pytest.raises(ApiInvalid, match=r"spec\."):
            await client.patch(WIDGETS, "a", "n", patch)
        assert await client.get(WIDGETS, "a", "n") == made


async def test_only_registered_fields_select() -> None:
    async with here() as (_, client):
        with pytest.raises(ApiInvalid, match="field label not supported"):
            await anext(client.list(WIDGETS, fields="spec.size=1"))


@pytest.mark.parametrize("path", ["/apis/example.test/v1/gadgets", "/apis/other/v1/widgets", "/nothing"])
async def test_what_is_not_served_is_not_found(path: str) -> None:
    async with here() as (_, client):
        with pytest.raises(ApiNotFound, match="could not find the requested resource"):
            await client.raw(path)


async def test_a_watch_replays_from_a_version_what_its_selection_sees() -> None:
    async with here() as (server, client):
        begun = (await client.create(WIDGETS, {"metadata": {"name": "a"}}, "n"))["metadata"][
            "resourceVersion"
        ]
        await client.create(WIDGETS, {"metadata": {"name": "elsewhere"}}, "m")
        await client.create(WIDGETS, {"metadata": {"name": "b"}}, "n")
        await client.patch(WIDGETS, "a", "n", {"status": {"active": False}}, subresource="status")
        await client.patch(WIDGETS, "a", "n", {"status": {"active": True}}, subresource="status")
        await client.delete(WIDGETS, "b", "n")
        params = {"fieldSelector": "status.active!=false"}
        lines = watch_lines(
            client.transport, Request("list", "widgets", "GET", WIDGETS.path("n"), params), begun
        )
        seen = [json.loads(await anext(lines)) for _ in range(4)]
        assert [(event["type"], event["object"]["metadata"]["name"]) for event in seen] == [
            ("ADDED", "b"),
            ("DELETED", "a"),
            ("ADDED", "a"),
            ("DELETED", "b"),
        ]
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
        assert versions == sorted(versions)
        assert versions[-1] == server.objects.version
        await lines.aclose()


async def test_faults_meet_the_requests_they_are_for_and_in_order() -> None:
    async with here() as (server, client):
        server.faults.answer(404, verb="patch", resource="widgets", name="b", subresource="status")
        server.faults.answer(422, verb="patch")
        server.faults.answer(404, verb="patch")
        await client.create(WIDGETS, {"metadata": {"name": "b"}}, "n")
        with pytest.raises(ApiInvalid):
            await client.patch(WIDGETS, "b", "n", {})
        with pytest.raises(ApiNotFound):
            await client.patch(WIDGETS, "b", "n", {}, subresource="status")
        with pytest.raises(ApiNotFound):
            await client.patch(WIDGETS, "b", "n", {})
        await client.patch(WIDGETS, "b", "n", {})


async def test_a_held_request_waits_and_then_happens() -> None:
    async with here() as (server, client):
        hold = server.faults.hold(verb="create")
        creating = asyncio.create_task(client.create(WIDGETS, {"metadata": {"name": "a"}}, "n"))
        await hold.reached.wait()
        assert server.objects.all(WIDGETS) == []
        hold.free.set()
        await creating
        assert len(server.objects.all(WIDGETS)) == 1


async def test_requests_are_seen_by_verb_and_target() -> None:
    async with here() as (server, client):
        await client.create(WIDGETS, {"metadata": {"name": "a"}}, "n")
        await client.patch(WIDGETS, "a", "n", {"status": {"x": 1}}, subresource="status")
        await client.get(WIDGETS, "a", "n")
        await client.delete_all(WIDGETS, "n", labels="x=y")
        assert [(seen.verb, seen.name, seen.subresource) for seen in server.writes(WIDGETS)] == [
            ("create", None, ""),
            ("patch", "a", "status"),
            ("deletecollection", None, ""),
        ]
        assert server.writes(PODS) == []


async def test_objects_can_be_changed_from_inside() -> None:
    async with here() as (server, client):
        server.objects.create(PODS, {"metadata": {"name": "p"}, "spec": {}}, "n")
        server.objects.patch(PODS, "p", "n", {"status": {"phase": "Running"}}, subresource="status")
        assert (await client.get(PODS, "p", "n"))["status"] == {"phase": "Running"}
        with pytest.raises(Refused):
            server.objects.get(PODS, "q", "n")


async def test_a_log_is_followed_until_its_container_ends() -> None:
    more = asyncio.Event()

    async def log(print_: Print, follow: bool) -> None:
        await print_(b"one\n")
        if follow:
            await more.wait()
            await print_(b"two\n")

    async with here() as (server, client):
        server.containers.prints("p", "c", log)
        assert [piece async for piece in client.log("p", "n", "c")] == [b"one\n"]
        pieces = client.log("p", "n", "c", follow=True)
        assert await anext(pieces) == b"one\n"
        more.set()
        assert [piece async for piece in pieces] == [b"two\n"]


async def test_a_log_that_breaks_or_is_not_there_is_told() -> None:
    async def log(print_: Print, _follow: bool) -> None:
        await print_(b"one\n")
        raise ConnectionError

    async with here() as (server, client):
        server.containers.prints(None, "c", log)
        pieces = client.log("p", "n", "c")
        with pytest.raises(ApiUnavailable):
            _ = [piece async for piece in pieces]
        with pytest.raises(ApiNotFound):
            await anext(client.log("p", "n", "other"))
        server.objects.create(PODS, {"metadata": {"name": "p"}}, "n")
        with pytest.raises(ApiInvalid):
            await anext(client.log("p", "n", "other"))
