"""What is asked for in one turn of the event loop is one transaction, and each answer is its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wfe.errors import NotFound
from wfe.providers.sqlite.writer import Writer


class Rung:
    """Counts the groups that changed something."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@asynccontextmanager
async def a_writer(path: Path, rung: Rung) -> AsyncIterator[Writer]:
    writer = Writer(str(path / "x.db"), patience=timedelta(seconds=1), changed=rung)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


def put(digest: str, source: Any = "") -> Any:
    def work(connection: sqlite3.Connection) -> str:
        statement = "INSERT INTO definitions (digest, workflow, version, source) VALUES (?, 'w', 1, ?)"
        connection.execute(statement, (digest, source))
        return digest

    return work


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM definitions").fetchone()[0])


def refuse(connection: sqlite3.Connection) -> None:
    raise NotFound("nothing")


async def test_one_turn_is_one_transaction(tmp_path: Path) -> None:
    rung = Rung()
    async with a_writer(tmp_path, rung) as writer:
        assert await asyncio.gather(*(writer.do(put(str(n))) for n in range(100))) == list(
            map(str, range(100))
        )
        assert rung.times == 1


async def test_quiet_work_is_no_news(tmp_path: Path) -> None:
    rung = Rung()
    async with a_writer(tmp_path, rung) as writer:
        await writer.do(put("a"), quiet=True)
        assert rung.times == 0
        await asyncio.gather(writer.do(put("b"), quiet=True), writer.do(put("c")))
        assert rung.times == 1


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        pytest.param(refuse, NotFound, id="an-answer"),
        pytest.param(put("0"), Exception, id="an-error-of-sqlite"),
        pytest.param(put("half \ud83d"), UnicodeEncodeError, id="a-value-that-cannot-be-bound"),
        pytest.param(put("x", 2**70), OverflowError, id="a-number-that-cannot-be-bound"),
    ],
)
async def test_one_that_fails_does_not_fail_its_neighbours(
    tmp_path: Path, bad: Any, error: type[Exception]
) -> None:
    async with a_writer(tmp_path, Rung()) as writer:
        jobs = [writer.do(put("0")), writer.do(bad), writer.do(put("1"))]
        answers = await asyncio.gather(*jobs, return_exceptions=True)
        assert (answers[0], answers[2]) == ("0", "1")
        assert isinstance(answers[1], error)
        assert await writer.do(count) == 2


async def test_a_caller_that_went_away_disturbs_nobody(tmp_path: Path) -> None:
    async with a_writer(tmp_path, Rung()) as writer:
        leaving, staying = writer.do(put("a")), writer.do(put("b"))
        leaving.cancel()
        assert await staying == "b"
        assert await writer.do(count) == 2


async def test_looking_tells_only_what_another_process_wrote(tmp_path: Path) -> None:
    rung = Rung()
    async with a_writer(tmp_path, rung) as writer:
        await writer.look()  # the first look knows nothing
        await writer.do(put("a"))
        before = rung.times
        await writer.look()
        assert rung.times == before
        async with a_writer(tmp_path, Rung()) as other:
            await other.do(put("b"))
        await writer.look()
        assert rung.times == before + 1
