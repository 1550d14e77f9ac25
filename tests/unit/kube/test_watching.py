"""Lines of a watch, and streams that fall silent."""

import json
from typing import Any

import pytest

from wfe.kube import ApiGone, ApiUnavailable, MetadataOnly
from wfe.kube.resource import CONFIG_MAPS
from wfe.kube.transport import Request
from wfe.kube.watching import Event, Marked, Reader, Unreadable, watch_lines
from wfe.testing.apiserver import serving

REQUEST = Request("list", "configmaps", "GET", CONFIG_MAPS.path("default"))


def line(event: str, **item: Any) -> bytes:
    return json.dumps({"type": event, "object": item}).encode()


def metadata(**more: Any) -> dict[str, Any]:
    return {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", **more}


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_event_is_decoded_into_what_its_reader_needs(kind: str) -> None:
    said = Reader(MetadataOnly).read(line(kind, metadata=metadata(labels={"x": "1"}), data={"big": "…"}))
    assert isinstance(said, Event)
    assert (said.type, said.object.metadata.labels, said.object.metadata.resource_version) == (
        kind,
        {"x": "1"},
        "7",
    )


def test_a_bookmark_says_how_far_the_watch_is() -> None:
    said = Reader(MetadataOnly).read(line("BOOKMARK", metadata={"resourceVersion": "9"}))
    assert said == Marked("9")


def test_an_object_that_is_not_understood_is_told_by_its_name() -> None:
    said = Reader(MetadataOnly).read(line("MODIFIED", metadata=metadata(labels=[])))
    assert isinstance(said, Unreadable)
    assert (said.type, said.item.metadata.name, said.item.metadata.resource_version) == ("MODIFIED", "a", "7")


@pytest.mark.parametrize(
    ("code", "expected"),
    [pytest.param(410, ApiGone, id="gone"), pytest.param(500, ApiUnavailable, id="etcd")],
)
def test_an_error_in_the_stream_ends_it_by_its_kind(code: int, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="the words"):
        Reader(MetadataOnly).read(line("ERROR", kind="Status", code=code, message="the words"))


async def test_a_line_of_any_length_arrives_whole() -> None:
    async with serving([CONFIG_MAPS]) as (_, client):
        data = {"text": "ä" * 1_000_000}
        await client.create(CONFIG_MAPS, {"metadata": {"name": "a"}, "data": data}, "default")
        lines = watch_lines(client.transport, REQUEST, "1")
        assert json.loads(await anext(lines))["object"]["data"] == data
        await client.create(CONFIG_MAPS, {"metadata": {"name": "b"}}, "default")
        assert json.loads(await anext(lines))["object"]["metadata"]["name"] == "b"
        await lines.aclose()


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    async with serving([CONFIG_MAPS]) as (_, client):
        with pytest.raises(ApiUnavailable):
            async for _line in watch_lines(client.transport, REQUEST, "1", silence=0.05):
                pass


async def test_a_watch_from_too_long_ago_is_gone() -> None:
    async with serving([CONFIG_MAPS]) as (server, client):
        for name in "ab":
            await client.create(CONFIG_MAPS, {"metadata": {"name": name}}, "default")
        server.compact()
        with pytest.raises(ApiGone):
            await anext(watch_lines(client.transport, REQUEST, "1"))
