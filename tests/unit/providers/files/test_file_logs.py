"""Reading back what steps wrote."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wfe.model.ids import AttemptKey
from wfe.ports.logs import SEGMENT_LIMIT, Segment, Stream
from wfe.providers.files import FileLogs
from wfe.supervisor.layout import about, attempt_directory
from wfe.supervisor.tail import Tail
from wfe.supervisor.times import NotedTimes

START = datetime(2030, 1, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)


class Attempt:
    """The files of one attempt, as supervisor and engine write them."""

    def __init__(
        self, root: Path, path: str, *, instance: str = "i", attempt: int = 1, started: int = 0
    ) -> None:
        self.key = AttemptKey(instance, path, attempt)
        self.directory = root / attempt_directory(self.key)
        self.directory.mkdir(parents=True)
        (self.directory / "about.json").write_bytes(about(self.key))
        claim = self.directory / "claim"
        claim.touch()
        at = (START + timedelta(seconds=started)).timestamp()
        os.utime(claim, (at, at))
        self.now = START
        self._tails = {
            stream: Tail(
                self.directory, self.key, stream, NotedTimes(self.directory, stream, lambda: self.now)
            )
            for stream in Stream
        }

    def write(
        self, text: str, *, second: int, stream: Stream = Stream.STDOUT, seen: bool = True
    ) -> "Attempt":
        path = self.directory / stream
        with path.open("a") as file:
            file.write(text)
        self.now = START + timedelta(seconds=second)
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        if seen:
            self._tails[stream].read()
        return self

    def end(self) -> "Attempt":
        (self.directory / "end").write_text("0 exit 1 2 .\n")
        return self

    def close(self) -> None:
        for tail in self._tails.values():
            tail.close()


async def read(logs: FileLogs, **options: str) -> list[Segment]:
    return [segment async for segment in logs.read("i", **options)]  # type: ignore[arg-type]  # `step` alone


def lines(segments: list[Segment]) -> list[str]:
    return [segment.data.decode() for segment in segments]


async def test_segments_of_all_streams_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    first = Attempt(tmp_path, "a").write("1\n", second=1).write("4\n", second=4).end()
    first.write("3\n", second=3, stream=Stream.STDERR)
    Attempt(tmp_path, "b", started=2).write("2\n", second=2).write("5\n", second=5).end()
    segments = await read(FileLogs(tmp_path))
    assert lines(segments) == ["1\n", "2\n", "3\n", "4\n", "5\n"]
    assert [segment.at for segment in segments] == [
        START + timedelta(seconds=second) for second in range(1, 6)
    ]


async def test_bytes_and_offsets_are_those_that_were_written(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "a").write("one\ntwo\n" + "x" * 20_000 + "\nrest", second=1).end()
    segments = await read(FileLogs(tmp_path))
    assert [(segment.offset, len(segment.data)) for segment in segments] == [
        (0, 4),
        (4, 4),
        (8, SEGMENT_LIMIT),
        (8 + SEGMENT_LIMIT, 20_001 - SEGMENT_LIMIT),
        (20_009, 4),
    ]
    assert {segment.key for segment in segments} == {attempt.key}


async def test_what_no_engine_saw_has_the_time_of_the_file(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "a").write("seen\n", second=1)
    attempt.write("unseen\n", second=9, seen=False).end()
    assert [segment.at.second for segment in await read(FileLogs(tmp_path))] == [1, 9]


async def test_a_clock_that_goes_back_does_not_turn_lines_around(tmp_path: Path) -> None:
    Attempt(tmp_path, "a").write("1\n", second=5).write("2\n", second=3).end()
    assert lines(await read(FileLogs(tmp_path))) == ["1\n", "2\n"]


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("build", ["build", "retried", "hook"]),
        ("each[1]/add", ["second"]),
        ("add", ["first", "second"]),
        ("each", ["first", "second"]),
        ("ad", []),
    ],
)
async def test_a_step_is_found_by_its_path_or_by_a_name_in_it(
    tmp_path: Path, step: str, found: list[str]
) -> None:
    Attempt(tmp_path, "build").write("build", second=1).end()
    Attempt(tmp_path, "build", attempt=2).write("retried", second=2).end()
    Attempt(tmp_path, "build/on_failure").write("hook", second=3).end()
    Attempt(tmp_path, "each[0]/add").write("first", second=4).end()
    Attempt(tmp_path, "each[1]/add").write("second", second=5).end()
    Attempt(tmp_path, "build", instance="other").write("other", second=1).end()
    assert lines(await read(FileLogs(tmp_path), step=step)) == found


async def test_an_instance_without_files_has_no_logs(tmp_path: Path) -> None:
    assert await read(FileLogs(tmp_path)) == []


async def test_following_gives_new_lines_and_new_steps_until_the_instance_has_ended(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def has_ended(instance: str) -> bool:
        assert instance == "i"
        return over.is_set()

    logs = FileLogs(tmp_path, has_ended, every=INSTANT)
    first = Attempt(tmp_path, "a").write("1\n2", second=1, seen=False)
    async with aclosing(logs.read("i", follow=True)) as segments:  # type: ignore[type-var]  # it is a generator
        assert await following(segments) == "1\n"
        first.write("3\n", second=2, seen=False)
        assert await following(segments) == "23\n"
        first.write("tail", second=3, seen=False).end()
        assert await following(segments) == "tail"
        second = Attempt(tmp_path, "b", started=4).write("4\n", second=5, seen=False)
        assert await following(segments) == "4\n"
        second.write("last", second=6, seen=False)
        over.set()
        assert [segment.data async for segment in segments] == [b"last"]


async def following(segments: AsyncIterator[Segment]) -> str:
    return (await anext(segments)).data.decode()
