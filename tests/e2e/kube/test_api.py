"""The client and the informer on a real API server: what the fake claims about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.e2e.kube.places import GROUP, WIDGETS, client_of_the_cluster, pod, widget
from wfe.kube import (
    AlreadyExists,
    ApiConflict,
    ApiForbidden,
    ApiGone,
    ApiInvalid,
    ApiNotFound,
    Informer,
    ObjectMeta,
    Resource,
)
from wfe.kube.cache import Key
from wfe.kube.resource import PODS
from wfe.kube.transport import Request
from wfe.kube.watching import Reader, watch_lines
from wfe.runtime.clock import SystemClock

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("widgets")]


class Spec(msgspec.Struct, frozen=True):
    """What of a widget matters here."""

    size: int = 0


class Widget(msgspec.Struct, frozen=True):
    """As little of it as is needed."""

    metadata: ObjectMeta
    spec: Spec = Spec()


async def names(found: AsyncIterator[dict[str, Any]]) -> list[str]:
    return [item["metadata"]["name"] async for item in found]


async def test_an_object_lives_and_is_deleted_once(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        made = await client.create(WIDGETS, widget("a", size=1), namespace)
        with pytest.raises(AlreadyExists) as refused:
            await client.create(WIDGETS, widget("a", size=1), namespace)
        assert not refused.value.unclear
        assert await client.get(WIDGETS, "a", namespace) == made
        with pytest.raises(ApiConflict):
            await client.delete(WIDGETS, "a", namespace, uid="another")
        assert await client.delete(WIDGETS, "a", namespace, uid=made["metadata"]["uid"])
        assert not await client.delete(WIDGETS, "a", namespace)
        with pytest.raises(ApiNotFound):
            await client.get(WIDGETS, "a", namespace)


async def test_a_version_in_a_merge_patch_is_a_precondition(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        old = await client.create(WIDGETS, widget("a", size=1, tags={"x": "1", "y": "2"}), namespace)
        version = old["metadata"]["resourceVersion"]
        patch = {"spec": {"tags": {"x": None, "z": "3"}}}
        new = await client.patch(WIDGETS, "a", namespace, patch, resource_version=version)
        assert new["spec"] == {"size": 1, "tags": {"y": "2", "z": "3"}}
        assert int(new["metadata"]["resourceVersion"]) > int(version)
        for subresource in (None, "status"):
            with pytest.raises(ApiConflict):
                await client.patch(
                    WIDGETS,
                    "a",
                    namespace,
                    {"status": {"text": "x"}},
                    resource_version=version,
                    subresource=subresource,
                )
        with pytest.raises(ApiConflict):
            await client.replace(WIDGETS, {**old, "spec": {"size": 5}}, namespace)
        assert await client.get(WIDGETS, "a", namespace) == new


async def test_status_is_apart_and_a_write_without_effect_is_none(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        await client.create(WIDGETS, {**widget("a", size=1), "status": {"text": "lie"}}, namespace)
        patch = {"spec": {"size": 2}, "status": {"text": "true"}}
        after = await client.patch(WIDGETS, "a", namespace, patch, subresource="status")
        assert (after["spec"], after["status"], after["metadata"]["generation"]) == (
            {"size": 1},
            {"text": "true"},
            1,
        )
        brief = await client.patch(WIDGETS, "a", namespace, patch, subresource="status", metadata_only=True)
        assert "spec" not in brief
        assert brief["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


async def test_json_patches_and_applies(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        await client.patch(WIDGETS, "a", namespace, widget("a", size=1), kind="apply", force=True)
        applied = await client.patch(WIDGETS, "a", namespace, widget("a", size=2), kind="apply")
        assert applied["spec"] == {"size": 2}
        operations = [
            {"op": "test", "path": "/spec/size", "value": 2},
            {"op": "replace", "path": "/spec/size", "value": 3},
        ]
        patched = await client.patch(WIDGETS, "a", namespace, operations, kind="json")
        assert patched["spec"] == {"size": 3}
        with pytest.raises(ApiInvalid):
            await client.patch(WIDGETS, "a", namespace, operations, kind="json")


async def test_refusals_say_what_can_be_done(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        with pytest.raises(ApiInvalid, match=r"spec\.size"):
            await client.create(WIDGETS, widget("a", size="large"), namespace)
        unsafe = pod("p", "true")
        unsafe["spec"]["hostNetwork"] = True
        with pytest.raises(ApiForbidden, match="violates PodSecurity"):
            await client.create(PODS, unsafe, namespace)
        with pytest.raises(ApiNotFound):
            await anext(client.list(Resource(GROUP, "v1", "gadgets", "Gadget"), namespace))


async def test_lists_come_in_pages_and_select(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        for number in range(7):
            body = widget(f"w{number}", size=number)
            body["metadata"]["labels"] = {"odd": str(number % 2)}
            await client.create(WIDGETS, body, namespace)
        patch = {"status": {"active": False}}
        await client.patch(WIDGETS, "w0", namespace, patch, subresource="status")
        assert await names(client.list(WIDGETS, namespace, page=3)) == [f"w{n}" for n in range(7)]
        assert await names(client.list(WIDGETS, namespace, labels="odd=1")) == ["w1", "w3", "w5"]
        active = client.list(WIDGETS, namespace, fields="status.active!=false", metadata_only=True)
        assert await names(active) == [f"w{n}" for n in range(1, 7)]
        await client.delete_all(WIDGETS, namespace, labels="odd=0")
        assert await names(client.list(WIDGETS, namespace)) == ["w1", "w3", "w5"]


async def test_a_watch_from_too_long_ago_is_gone(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        # The kind is younger than that version, so nobody remembers what happened since.
        request = Request("list", "widgets", "GET", WIDGETS.path(namespace))
        async with aclosing(watch_lines(client.transport, request, "1")) as lines:
            line = await anext(lines)
        with pytest.raises(ApiGone, match="too old"):
            Reader(Widget).read(line)


async def test_the_servers_clock_is_told_from_below() -> None:
    async with client_of_the_cluster() as client:
        behind = SystemClock().now() - client.now()
        assert timedelta() <= behind < timedelta(seconds=2)
        assert client.now().tzinfo is UTC
        assert isinstance(client.now(), datetime)


async def test_an_informer_follows_what_is_selected(namespace: str) -> None:
    told: list[str] = []
    came = asyncio.Event()

    def note(key: Key, before: Widget | None, after: Widget | None) -> None:
        told.append(f"-{key[1]}" if after is None else f"{'' if before else '+'}{key[1]}={after.spec.size}")
        came.set()

    async def until(word: str) -> None:
        while not told or told[-1] != word:
            came.clear()
            await came.wait()

    async with client_of_the_cluster() as client:
        await client.create(WIDGETS, widget("a", size=1), namespace)
        selection = "status.active!=false"
        informer = Informer(client, WIDGETS, Widget, namespaces=[namespace], fields=selection)
        informer.listen(note)
        running = asyncio.create_task(informer.run())
        await informer.synced.wait()
        await client.create(WIDGETS, widget("b", size=2), namespace)
        await until("+b=2")
        own = await client.patch(WIDGETS, "a", namespace, {"spec": {"size": 3}})
        informer.put(msgspec.convert(own, Widget))
        patch = {"status": {"active": False}}
        left = await client.patch(WIDGETS, "a", namespace, patch, subresource="status")
        await until("-a")
        informer.put(msgspec.convert(left, Widget))
        await client.delete(WIDGETS, "b", namespace)
        await until("-b")
        assert told == ["+a=1", "+b=2", "a=3", "-a", "-b"]
        assert list(informer.values()) == []
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
