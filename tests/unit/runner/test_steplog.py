"""The log of a step, fetched piece by piece."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from wfe.executors.runner.channel import BLOCKS, LogChannel
from wfe.executors.runner.steplog import StepLog
from wfe.model.ids import AttemptKey
from wfe.supervisor.answers import End, EndReason
from wfe.supervisor.masking import Masker
from wfe.supervisor.protocol import BLOCK
from wfe.testing.executor_contract import Recorder

KEY = AttemptKey("i", "s", 1)
PIECE = BLOCKS * BLOCK


@dataclass
class Files:
    """What a step wrote, and what was asked for."""

    stdout: bytes = b""
    stderr: bytes = b""
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def fetch(self, key: str, stream: str, block: int) -> bytes:
        assert key == "i/s"
        self.asked.append((stream, block))
        written: bytes = getattr(self, stream)
        return written[block * BLOCK :][:PIECE]


def ended(wrote: str) -> End:
    return End("i/s", 0, EndReason.EXIT, 1, 2, wrote)


def a_log(files: Files, sink: Recorder) -> StepLog:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    return StepLog(cast(LogChannel, files), "i/s", KEY, sink, Masker(()), lambda: now)


@pytest.mark.parametrize(
    ("size", "asked"),
    [
        pytest.param(5, [("stdout", 0)], id="a-line"),
        pytest.param(PIECE - 1, [("stdout", 0)], id="nearly-a-piece"),
        pytest.param(PIECE, [("stdout", 0), ("stdout", BLOCKS)], id="a-piece"),
        pytest.param(PIECE + 5000, [("stdout", 0), ("stdout", BLOCKS)], id="more"),
    ],
)
async def test_what_a_step_wrote_is_asked_for_once(size: int, asked: list[tuple[str, int]]) -> None:
    files, sink = Files(stdout=b"x" * (size - 1) + b"\n"), Recorder()
    await a_log(files, sink).finish(ended("o"))
    assert files.asked == asked
    assert sink.bytes_of(KEY) == files.stdout


async def test_a_stream_that_the_step_has_emptied_is_read_from_its_start() -> None:
    files, sink = Files(stdout=b"a long line\n"), Recorder()
    log = a_log(files, sink)
    await log.finish(ended("o"))
    files.stdout = b"anew\n"
    await log.finish(ended("o"))
    assert sink.bytes_of(KEY) == b"a long line\nanew\n"


async def test_what_a_step_did_not_write_is_not_asked_for() -> None:
    files, sink = Files(), Recorder()
    log = a_log(files, sink)
    await log.finish(ended("-"))
    assert (files.asked, log.is_whole) == ([], True)
