"""The archive of logs: every byte once, the middle cut where there is too much."""

import random
from collections.abc import AsyncIterator
from contextlib import nullcontext as does_not_raise
from datetime import timedelta

import pytest

from tests.unit.customresource.place import NAMESPACE, Place, a_place
from wfe.errors import Retryable
from wfe.kube.resource import CONFIG_MAPS
from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource.logs import LogArchive
from wfe.testing.builders import NOON

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


async def test_what_comes_after_a_flush_is_added_and_costs_one_write() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        segments = [a_segment(number, b"line\n") for number in range(6)]
        for number in (0, 2, 4):
            before = place.writes().total()
            await archive.write(segments[number])
            await archive.write(segments[number + 1])
            await archive.flush("i1", **OWNER)
            assert place.writes().total() == before + 1
            # Nothing came since, so nothing is written.
            await archive.flush("i1", **OWNER)
            assert place.writes().total() == before + 1
        assert await all_of(archive.read("i1")) == segments
        assert len(await objects(place)) == 1


async def test_a_process_that_is_given_a_log_again_keeps_no_line_twice() -> None:
    async with a_place() as place:
        segments = [a_segment(number, b"line\n") for number in range(6)]
        for known in (3, 5, 6, 6):
            # Each is another process, which reads everything from the first byte.
            archive = LogArchive(place.client, NAMESPACE)
            for segment in segments[:known]:
                await archive.write(segment)
            await archive.flush("i1", **OWNER)
            assert await all_of(LogArchive(place.client, NAMESPACE).read("i1")) == segments[:known]


async def test_two_that_write_at_once_lose_nothing_and_keep_no_line_twice() -> None:
    async with a_place() as place:
        segments = [a_segment(number, b"line\n") for number in range(9)]
        paused, other = LogArchive(place.client, NAMESPACE), LogArchive(place.client, NAMESPACE)
        for segment in segments[:3]:
            await paused.write(segment)
        await paused.flush("i1", **OWNER)
        for segment in segments[:6]:
            await other.write(segment)
        await other.flush("i1", **OWNER)
        for segment in segments[3:]:
            await paused.write(segment)
        await paused.flush("i1", **OWNER)
        await other.flush("i1", **OWNER)
        assert await all_of(LogArchive(place.client, NAMESPACE).read("i1")) == segments


async def test_lines_that_are_found_late_are_read_in_their_place() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        segments = [a_segment(number, b"line\n", path=f"s{number}") for number in range(4)]
        for number in (0, 1, 3, 2):
            await archive.write(segments[number])
        await archive.flush("i1", **OWNER)
        assert await all_of(archive.read("i1")) == segments


async def test_nothing_is_held_of_an_instance_all_of_whose_attempts_are_kept_and_it_goes_on_all_the_same() -> (
    None
):
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        segments = [a_segment(number, b"line\n", path=f"s{number}") for number in range(3)]
        for segment in segments:
            await archive.write(segment)
            assert archive.size > 0
            await archive.flush("i1", **OWNER)
            archive.done([segment.key])
            assert (archive.size, archive._logs) == (0, {})
        assert place.writes().total() == 3
        assert await all_of(archive.read("i1")) == segments


async def test_a_flush_that_the_server_refuses_is_made_good_by_the_next() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        await archive.write(a_segment(0, b"line\n"))
        place.server.faults.answer(403, verb="create", resource="configmaps")
        with pytest.raises(Retryable):
            await archive.flush("i1", **OWNER)
        await archive.write(a_segment(1, b"line\n"))
        await archive.flush("i1", **OWNER)
        assert [one.offset for one in await all_of(LogArchive(place.client, NAMESPACE).read("i1"))] == [0, 5]


@pytest.mark.parametrize("verb", ["create", "patch"])
async def test_a_flush_whose_answer_was_lost_happened_once(verb: str) -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        place.server.faults.lose(verb=verb, resource="configmaps")
        segments = [a_segment(number, b"line\n") for number in range(2)]
        for segment in segments:
            await archive.write(segment)
            await archive.flush("i1", **OWNER)
        assert await all_of(LogArchive(place.client, NAMESPACE).read("i1")) == segments


async def test_a_namespace_that_is_being_deleted_waits_for_no_log() -> None:
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        await archive.write(a_segment(0, b"line\n"))
        for message, expected in (
            ("unable to create new content in namespace a because it is being terminated", does_not_raise()),
            ("no right", pytest.raises(Retryable, match="no right")),
        ):
            place.server.faults.answer(403, resource="configmaps", message=message)
            with expected:
                await archive.flush("i1", **OWNER)
        assert await objects(place) == []


@pytest.mark.parametrize("flush_every", [1000, 30, 7, 1])
async def test_too_much_is_cut_in_the_middle_and_says_so(flush_every: int) -> None:
    chance = random.Random(1)  # noqa: S311 - noise that does not compress
    async with a_place() as place:
        archive = LogArchive(place.client, NAMESPACE)
        written = [a_segment(number, chance.randbytes(16_000)) for number in range(200)]
        for number, segment in enumerate(written, 1):
            await archive.write(segment)
            if number % flush_every == 0:
                await archive.flush("i1", **OWNER)
        await archive.flush("i1", **OWNER)
        found = await all_of(LogArchive(place.client, NAMESPACE).read("i1"))
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
        assert archive.size <= 1_000_000
        assert all([await all_of(archive.read(instance)) for instance in ("a", "b", "c")])
