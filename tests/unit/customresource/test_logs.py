"""The archive of logs: every byte once, the middle cut where there is too much."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta

from tests.unit.customresource.place import NAMESPACE, Place, a_place
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource.logs import LogArchive
from wfe.testing.builders import NOON

KEY = AttemptKey("i1", "build", 1)
OWNER = {"name": "mine", "uid": "uid"}


def a_segment(number: int, text: bytes, *, path: str = "build", stream: Stream = Stream.STDOUT) -> Segment:
    key = AttemptKey("i1", path, 1)
    return Segment(key, stream, number * len(text), text, NOON + timedelta(seconds=number))


async def all_of(segments: AsyncIterator[Segment]) -> list[Segment]:
    return [segment async for segment in segments]


async def objects(place: Place) -> list[str]:
    labels = "wfe.sunbeam.pt/role=log"
    found = place.client.list(CONFIG_MAPS, NAMESPACE, labels=labels)
    return sorted([one["metadata"]["name"] async for one in found])


async def test_what_was_written_is_read_before_and_after_it_is_archived() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        segments = [a_segment(number, b"line\xff\n") for number in range(5)]
        segments.append(a_segment(9, b"oh\n", path="test", stream=Stream.STDERR))
        for segment in reversed(segments):
            await archive.write(segment)
        await archive.write(segments[0])
        # Written backwards, only what came last of a stream is new each time.
        assert await all_of(archive.read("i1")) == [segments[4], segments[5]]

        archive = LogArchive(place.client, NAMESPACE)
        for segment in segments:
            await archive.write(segment)
            await archive.write(segment)
        assert await all_of(archive.read("i1")) == segments
        await archive.flush("i1", **OWNER)
        assert await all_of(LogArchive(place.client, NAMESPACE).read("i1")) == segments
        assert await all_of(archive.read("i1", step="test")) == segments[5:]
        assert await all_of(archive.read("nobody")) == []


async def test_a_new_controller_asks_for_all_of_it_again() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        await archive.write(a_segment(0, b"0123456789"))
        assert archive.kept_until(KEY, Stream.STDOUT) == 10
        assert archive.kept_until(KEY, Stream.STDERR) == 0
        assert LogArchive(place.client, NAMESPACE).kept_until(KEY, Stream.STDOUT) == 0


async def test_a_complete_archive_is_left_and_a_broken_one_written_anew() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        for text in (b"first\n", b"other\n"):
            await archive.write(a_segment(0, text))
            await archive.flush("i1", **OWNER)
        assert [one.data for one in await all_of(archive.read("i1"))] == [b"first\n"]
        (name,) = await objects(place)
        patch = {"metadata": {"annotations": {"wfe.sunbeam.pt/complete": None}}}
        await place.client.patch(CONFIG_MAPS, name, NAMESPACE, patch)
        archive = LogArchive(place.client, NAMESPACE)
        await archive.write(a_segment(0, b"whole\n"))
        await archive.flush("i1", **OWNER)
        assert [one.data for one in await all_of(archive.read("i1"))] == [b"whole\n"]


async def test_too_much_is_cut_in_the_middle_and_says_so() -> None:
    chance = random.Random(1)  # noqa: S311 - noise that does not compress
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        written = [a_segment(number, chance.randbytes(16_000)) for number in range(200)]
        for segment in written:
            await archive.write(segment)
        await archive.flush("i1", **OWNER)
        found = await all_of(archive.read("i1"))
        (mark,) = [one for one in found if one.data.endswith(b"bytes of log are not kept]\n")]
        place_of_mark = found.index(mark)
        head, tail = found[:place_of_mark], found[place_of_mark + 1 :]
        assert (head, tail) == (written[: len(head)], written[len(written) - len(tail) :])
        missing = sum(len(one.data) for one in written[len(head) : len(written) - len(tail)])
        assert mark.data == f"[{missing} bytes of log are not kept]\n".encode()
        kept = [one["binaryData"] async for one in place.client.list(CONFIG_MAPS, NAMESPACE)]
        sizes = [sum(map(len, data.values())) for data in kept]
        assert max(sizes) <= 256 * 1024
        assert sum(sizes) <= 1.5 * 1024 * 1024, "a mebibyte before base64"


async def test_memory_is_bounded_over_all_instances() -> None:
    chance = random.Random(1)  # noqa: S311 - noise that does not compress
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE, most_bytes=1_000_000)
        for number in range(100):
            for instance in ("a", "b", "c"):
                key = AttemptKey(instance, "build", 1)
                data = chance.randbytes(16_000)
                await archive.write(Segment(key, Stream.STDOUT, number * 16_000, data, NOON))
        assert sum(log.size for log in archive._logs.values()) <= 1_000_000
        assert all([await all_of(archive.read(instance)) for instance in ("a", "b", "c")])
