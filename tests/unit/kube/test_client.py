"""The client against a server that fails in every way on order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from wfe.kube import (
    Access,
    AlreadyExists,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiGone,
    ApiInvalid,
    ApiNotFound,
    ApiUnavailable,
    Client,
)
from wfe.kube.resource import CONFIG_MAPS, NAMESPACES, PODS, Resource
from wfe.testing.apiserver import ApiServer, Served, serving

WIDGETS = Resource("example.test", "v1", "widgets", "Widget")


def no_letters(item: dict[str, Any], _before: dict[str, Any] | None) -> str | None:
    size = item.get("spec", {}).get("size", 0)
    return None if isinstance(size, int) else "spec.size: must be a number"


@asynccontextmanager
async def here(*, patience: float = 10.0) -> AsyncIterator[tuple[ApiServer, Client]]:
    served: list[Resource | Served] = [
        CONFIG_MAPS,
        PODS,
        NAMESPACES,
        Served(WIDGETS, ("status.active",), no_letters),
    ]
    async with serving(served, patience=patience) as pair:
        yield pair


def widget(name: str = "a", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


async def names(found: AsyncIterator[dict[str, Any]]) -> list[str]:
    return [item["metadata"]["name"] async for item in found]


async def test_what_is_created_can_be_read_and_is_deleted_once() -> None:
    async with here() as (_, client):
        made = await client.create(WIDGETS, widget(size=1), "default")
        assert made["metadata"]["uid"]
        assert await client.get(WIDGETS, "a", "default") == made
        assert await client.delete(WIDGETS, "a", "default")
        assert not await client.delete(WIDGETS, "a", "default")
        with pytest.raises(ApiNotFound, match='widgets "a" not found'):
            await client.get(WIDGETS, "a", "default")


async def test_a_merge_patch_replaces_and_deletes_and_leaves_the_rest() -> None:
    async with here() as (_, client):
        await client.create(WIDGETS, widget(size=1, tags={"a": "1", "b": "2"}), "default")
        patched = await client.patch(WIDGETS, "a", "default", {"spec": {"tags": {"a": None, "c": "3"}}})
        assert patched["spec"] == {"size": 1, "tags": {"b": "2", "c": "3"}}


async def test_a_patch_for_another_version_is_a_conflict_and_changes_nothing() -> None:
    async with here() as (_, client):
        old = await client.create(WIDGETS, widget(size=1), "default")
        version = old["metadata"]["resourceVersion"]
        new = await client.patch(WIDGETS, "a", "default", {"spec": {"size": 2}}, resource_version=version)
        with pytest.raises(ApiConflict) as refused:
            await client.patch(WIDGETS, "a", "default", {"spec": {"size": 3}}, resource_version=version)
        assert not refused.value.unclear
        assert await client.get(WIDGETS, "a", "default") == new


async def test_status_is_written_through_its_subresource_alone() -> None:
    async with here() as (_, client):
        await client.create(WIDGETS, {**widget(size=1), "status": {"phase": "Lie"}}, "default")
        patch = {"spec": {"size": 2}, "status": {"phase": "Running"}}
        after = await client.patch(WIDGETS, "a", "default", patch, subresource="status")
        assert (after["spec"]["size"], after["status"], after["metadata"]["generation"]) == (
            1,
            {"phase": "Running"},
            1,
        )
        after = await client.patch(WIDGETS, "a", "default", {"spec": {"size": 2}, "status": None})
        assert (after["spec"]["size"], after["status"], after["metadata"]["generation"]) == (
            2,
            {"phase": "Running"},
            2,
        )


async def test_a_json_patch_tests_and_changes() -> None:
    async with here() as (_, client):
        await client.create(WIDGETS, widget(size=1, list=["a", "b"]), "default")
        change: list[dict[str, Any]] = [
            {"op": "test", "path": "/spec/size", "value": 1},
            {"op": "remove", "path": "/spec/list/0"},
            {"op": "add", "path": "/spec/list/-", "value": "c"},
            {"op": "replace", "path": "/spec/size", "value": 2},
        ]
        after = await client.patch(WIDGETS, "a", "default", change, kind="json")
        assert after["spec"] == {"size": 2, "list": ["b", "c"]}
        with pytest.raises(ApiInvalid, match="testing path /spec/size failed"):
            await client.patch(WIDGETS, "a", "default", change, kind="json")


async def test_an_apply_creates_and_then_changes() -> None:
    async with here() as (_, client):
        body = {"apiVersion": "example.test/v1", "kind": "Widget", **widget(size=1)}
        made = await client.patch(WIDGETS, "a", "default", body, kind="apply", force=True)
        again = await client.patch(WIDGETS, "a", "default", {**body, "spec": {"size": 2}}, kind="apply")
        assert made["metadata"]["uid"] == again["metadata"]["uid"]
        assert again["spec"] == {"size": 2}


async def test_metadata_alone_can_be_asked_for() -> None:
    async with here() as (_, client):
        await client.create(WIDGETS, widget(size=1), "default")
        after = await client.patch(WIDGETS, "a", "default", {"spec": {"size": 2}}, metadata_only=True)
        assert "spec" not in after
        assert [item async for item in client.list(WIDGETS, metadata_only=True)] == [after]


async def test_a_replace_needs_the_version_it_saw() -> None:
    async with here() as (_, client):
        seen = await client.create(WIDGETS, widget(size=1), "default")
        seen["spec"]["size"] = 2
        after = await client.replace(WIDGETS, seen, "default")
        assert after["spec"] == {"size": 2}
        with pytest.raises(ApiConflict):
            await client.replace(WIDGETS, seen, "default")


async def test_a_delete_with_another_uid_is_a_conflict() -> None:
    async with here() as (_, client):
        made = await client.create(WIDGETS, widget(), "default")
        with pytest.raises(ApiConflict):
            await client.delete(WIDGETS, "a", "default", uid="another")
        assert await client.delete(WIDGETS, "a", "default", uid=made["metadata"]["uid"])


async def test_a_collection_is_deleted_by_its_labels() -> None:
    async with here() as (_, client):
        for name, kind in (("a", "x"), ("b", "y"), ("c", "x")):
            body = {"metadata": {"name": name, "labels": {"kind": kind}}}
            await client.create(CONFIG_MAPS, body, "default")
        await client.delete_all(CONFIG_MAPS, "default", labels="kind=x")
        assert await names(client.list(CONFIG_MAPS)) == ["b"]


@pytest.mark.parametrize(
    ("labels", "fields", "expected"),
    [
        pytest.param(None, None, ["a", "b", "c"], id="all"),
        pytest.param("kind=x", None, ["a"], id="label"),
        pytest.param("kind!=x", None, ["b", "c"], id="other-label"),
        pytest.param("kind", None, ["a", "b"], id="has-label"),
        pytest.param("!kind", None, ["c"], id="lacks-label"),
        pytest.param("kind in (x, y),kind notin (y)", None, ["a"], id="sets"),
        pytest.param(None, "metadata.name=b", ["b"], id="name"),
        pytest.param(None, "status.active!=false", ["b", "c"], id="field-that-may-be-missing"),
    ],
)
async def test_a_list_selects(labels: str | None, fields: str | None, expected: list[str]) -> None:
    async with here() as (_, client):
        for name, kind in (("a", "x"), ("b", "y"), ("c", "")):
            labelled = {"labels": {"kind": kind}} if kind else {}
            await client.create(WIDGETS, {"metadata": {"name": name, **labelled}}, "default")
        await client.patch(WIDGETS, "a", "default", {"status": {"active": False}}, subresource="status")
        await client.patch(WIDGETS, "b", "default", {"status": {"active": True}}, subresource="status")
        assert await names(client.list(WIDGETS, labels=labels, fields=fields)) == expected


async def test_a_list_comes_in_pages_of_one_moment() -> None:
    async with here() as (server, client):
        for name in "abcde":
            await client.create(CONFIG_MAPS, widget(name), "default")
        found = client.list(CONFIG_MAPS, page=2)
        first = [(await anext(found))["metadata"]["name"] for _ in range(2)]
        await client.delete(CONFIG_MAPS, "d", "default")
        assert first + await names(found) == list("abcde")
        assert [seen.verb for seen in server.seen].count("list") == 3


async def test_a_list_whose_pages_expire_begins_anew_and_repeats_nothing() -> None:
    async with here() as (server, client):
        for name in "abcde":
            await client.create(CONFIG_MAPS, widget(name), "default")
        found = client.list(CONFIG_MAPS, page=2)
        first = [(await anext(found))["metadata"]["name"] for _ in range(2)]
        server.compact()
        await client.delete(CONFIG_MAPS, "d", "default")
        assert first + await names(found) == list("abce")


async def test_a_list_whose_pages_always_expire_ends_as_gone() -> None:
    async with here() as (server, client):
        server.faults.answer(410, times=100, verb="list")
        with pytest.raises(ApiGone):
            await names(client.list(CONFIG_MAPS))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(400, ApiInvalid, id="bad-request"),
        pytest.param(401, ApiForbidden, id="unauthorized"),
        pytest.param(403, ApiForbidden, id="forbidden"),
        pytest.param(404, ApiNotFound, id="not-found"),
        pytest.param(409, ApiConflict, id="conflict"),
        pytest.param(410, ApiGone, id="gone"),
        pytest.param(415, ApiInvalid, id="media-type"),
        pytest.param(422, ApiInvalid, id="invalid"),
    ],
)
async def test_a_refusal_is_told_at_once_by_what_can_be_done(status: int, expected: type[ApiError]) -> None:
    async with here() as (server, client):
        server.faults.answer(status, times=2, verb="patch")
        with pytest.raises(expected) as refused:
            await client.patch(WIDGETS, "a", "default", {})
        assert (refused.value.status, refused.value.message) == (status, "a fault was ordered")
        # Only who we are is asked again, once.
        assert len(server.writes()) == (2 if status == 401 else 1)


Call = Callable[[Client], Awaitable[object]]


def change(client: Client) -> Awaitable[object]:
    return client.patch(WIDGETS, "a", "default", {"spec": {"size": 2}})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with here() as (server, client):
        await client.create(WIDGETS, widget(), "default")
        server.faults.answer(status, times=2, verb="patch")
        await change(client)
        assert [seen.verb for seen in server.writes()] == ["create", "patch", "patch", "patch"]


async def test_trying_again_ends() -> None:
    async with here(patience=0.2) as (server, client):
        server.faults.answer(503, times=1000)
        with pytest.raises(ApiUnavailable) as refused:
            await client.get(WIDGETS, "a", "default")
        assert refused.value.status == 503
        assert not refused.value.unclear


async def test_a_wish_to_wait_longer_than_our_patience_ends_it_at_once() -> None:
    async with here() as (server, client):
        server.faults.answer(429, retry_after=60, verb="get")
        with pytest.raises(ApiUnavailable) as refused:
            await client.get(WIDGETS, "a", "default")
        assert refused.value.retry_after == 60
        assert [seen.verb for seen in server.seen] == ["get"]


async def test_a_wish_to_wait_is_obeyed() -> None:
    async with here() as (server, client):
        loop = asyncio.get_running_loop()
        await client.create(WIDGETS, widget(), "default")
        server.faults.answer(429, retry_after=1, verb="get")
        began = loop.time()
        await client.get(WIDGETS, "a", "default")
        assert loop.time() - began >= 1


async def test_a_create_that_got_no_answer_tells_that_it_may_be_ours() -> None:
    async with here() as (server, client):
        server.faults.lose(verb="create")
        with pytest.raises(AlreadyExists) as refused:
            await client.create(WIDGETS, widget(size=1), "default")
        assert refused.value.unclear
        with pytest.raises(AlreadyExists) as refused:
            await client.create(WIDGETS, widget(size=1), "default")
        assert not refused.value.unclear


async def test_a_create_that_was_not_taken_is_made_by_the_next_try() -> None:
    async with here() as (server, client):
        server.faults.refuse(verb="create")
        made = await client.create(WIDGETS, widget(size=1), "default")
        assert made["spec"] == {"size": 1}


async def test_a_create_under_a_generated_name_is_never_sent_twice() -> None:
    async with here() as (server, client):
        server.faults.lose(verb="create")
        with pytest.raises(ApiUnavailable) as refused:
            await client.create(WIDGETS, {"metadata": {"generateName": "a-"}}, "default")
        assert refused.value.unclear
        assert len(server.objects.all(WIDGETS)) == 1
        server.faults.answer(429, verb="create")
        await client.create(WIDGETS, {"metadata": {"generateName": "a-"}}, "default")


async def test_a_patch_with_a_version_that_got_no_answer_is_an_unclear_conflict() -> None:
    async with here() as (server, client):
        version = (await client.create(WIDGETS, widget(), "default"))["metadata"]["resourceVersion"]
        server.faults.lose(verb="patch")
        with pytest.raises(ApiConflict) as refused:
            await client.patch(WIDGETS, "a", "default", {"spec": {"size": 2}}, resource_version=version)
        assert refused.value.unclear
        assert server.objects.get(WIDGETS, "a", "default")["spec"] == {"size": 2}


async def test_a_patch_without_a_version_that_got_no_answer_is_done_again() -> None:
    async with here() as (server, client):
        await client.create(WIDGETS, widget(), "default")
        server.faults.lose(verb="patch")
        await change(client)
        assert server.objects.get(WIDGETS, "a", "default")["metadata"]["generation"] == 2


async def test_a_json_patch_that_got_no_answer_is_not_sent_again() -> None:
    async with here() as (server, client):
        await client.create(WIDGETS, widget(list=[]), "default")
        server.faults.lose(verb="patch")
        operations = [{"op": "add", "path": "/spec/list/-", "value": "x"}]
        with pytest.raises(ApiUnavailable) as refused:
            await client.patch(WIDGETS, "a", "default", operations, kind="json")
        assert refused.value.unclear
        assert server.objects.get(WIDGETS, "a", "default")["spec"] == {"list": ["x"]}


async def test_a_delete_that_got_no_answer_finds_nothing_left() -> None:
    async with here() as (server, client):
        await client.create(WIDGETS, widget(), "default")
        server.faults.lose(verb="delete")
        assert not await client.delete(WIDGETS, "a", "default")
        assert server.objects.all(WIDGETS) == []


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
async def test_a_connection_that_drops_is_made_anew(verb: str) -> None:
    async with here() as (server, client):
        made = await client.create(WIDGETS, widget(), "default")
        calls: dict[str, Call] = {
            "get": lambda client: client.get(WIDGETS, "a", "default"),
            "update": lambda client: client.replace(WIDGETS, made, "default"),
            "delete": lambda client: client.delete(WIDGETS, "a", "default"),
        }
        server.faults.refuse(times=2, verb=verb)
        assert await calls[verb](client)
        assert [seen.verb for seen in server.seen] == ["create", verb, verb, verb]


async def test_a_server_that_is_not_there_is_told_as_such() -> None:
    async with here(patience=0.1) as (server, client):
        await server.stop()
        with pytest.raises(ApiUnavailable, match="does not answer"):
            await client.get(WIDGETS, "a", "default")
        # No connection is left from before, so it is certain that this one was not sent.
        with pytest.raises(ApiUnavailable) as refused:
            await client.create(WIDGETS, widget(), "default")
        assert not refused.value.unclear


async def test_a_client_of_a_server_that_is_not_there_does_not_open() -> None:
    client = Client(Access("http://127.0.0.1:1"), patience=0.1)
    with pytest.raises(ApiUnavailable):
        await client.open()
    await client.close()


async def test_a_client_that_is_not_open_cannot_be_used() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await Client(Access("http://127.0.0.1:1")).raw("/version")


async def test_a_version_is_no_precondition_of_a_json_patch() -> None:
    async with here() as (_, client):
        with pytest.raises(TypeError, match="by an operation of its own"):
            await client.patch(WIDGETS, "a", "default", [], kind="json", resource_version="1")


async def test_no_more_writes_than_allowed_are_under_way() -> None:
    async with here() as (server, _):
        client = Client(Access(_.access.server), writes=2)
        await client.open()
        hold = server.faults.hold(times=10, verb="create")
        writing = [asyncio.create_task(client.create(WIDGETS, widget(name), "default")) for name in "abcde"]
        await hold.reached.wait()
        await client.raw("/version")
        await client.raw("/version")
        assert len(server.seen) == 2
        hold.free.set()
        await asyncio.gather(*writing)
        await client.close()
        assert len(server.objects.all(WIDGETS)) == 5


async def test_every_try_is_observed() -> None:
    async with here() as (server, other):
        told: list[tuple[str, str, int]] = []
        client = Client(
            other.access, observe=lambda verb, resource, status, _: told.append((verb, resource, status))
        )
        await client.open()
        server.faults.refuse(verb="create")
        server.faults.answer(500, verb="create")
        await client.create(WIDGETS, widget(), "default")
        await names(client.list(WIDGETS))
        with pytest.raises(ApiNotFound):
            await client.exec("p", "default", "c", ["true"])
        await client.close()
        assert told == [
            ("get", "/version", 200),
            ("create", "widgets", 0),
            ("create", "widgets", 500),
            ("create", "widgets", 201),
            ("list", "widgets", 200),
            ("exec", "pods", 404),
        ]


async def test_the_time_is_the_servers() -> None:
    async with here() as (server, client):
        server.now = lambda: datetime(2030, 1, 1, 12, 0, 0, 900_000, tzinfo=UTC)
        await client.raw("/version")
        told = client.now()
        assert datetime(2030, 1, 1, 12, tzinfo=UTC) <= told < datetime(2030, 1, 1, 12, 0, 5, tzinfo=UTC)


async def test_before_it_is_open_a_client_knows_no_time() -> None:
    with pytest.raises(RuntimeError, match="open the client first"):
        Client(Access("http://127.0.0.1:1")).now()
