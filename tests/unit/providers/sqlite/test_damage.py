"""Whatever is wrong with the file, the user reads what it is and the way out; the file is left alone."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from wfe.errors import StoreUnavailable
from wfe.providers.sqlite import SqliteStore, StoreUnusable
from wfe.providers.sqlite.database import Database
from wfe.testing.builders import NOON, a_decision, an_instance, the_next
from wfe.testing.store_contract import opened


def garbage(path: Path) -> None:
    path.write_bytes(b"this is a letter, not a database\n" * 100)


def a_directory(path: Path) -> None:
    path.mkdir()


def an_other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def a_later_version(path: Path) -> None:
    asyncio.run(use(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def torn_pages(path: Path) -> None:
    asyncio.run(use(path))
    text = bytearray(path.read_bytes())
    text[120:4096] = b"\xa5" * 3976  # of the first page, only the header is left
    path.write_bytes(text)


def nothing(path: Path) -> None:
    """Leave even the directory away."""


async def use(path: Path) -> None:
    async with opened(SqliteStore(str(path))) as store:
        await store.create(a_decision())


@pytest.mark.parametrize(
    ("damage", "name", "said"),
    [
        pytest.param(garbage, "x.db", "is not a SQLite database; name another file", id="not-a-database"),
        pytest.param(a_directory, "x.db", "cannot be opened; its directory has to exist", id="a-directory"),
        pytest.param(nothing, "none/x.db", "cannot be opened; its directory has to exist", id="no-directory"),
        pytest.param(an_other_program, "x.db", "belongs to another program; name another", id="not-ours"),
        pytest.param(a_later_version, "x.db", "later version of WFE (schema 999, this one", id="later"),
        pytest.param(torn_pages, "x.db", "is damaged; restore a backup", id="torn"),
    ],
)
def test_a_file_that_is_wrong_is_refused_and_left_alone(
    tmp_path: Path, damage: Callable[[Path], None], name: str, said: str
) -> None:
    path = tmp_path / name
    damage(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreUnusable) as refused:
        asyncio.run(use(path))
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert before is None or path.read_bytes() == before


async def test_a_store_that_did_not_open_says_so_and_can_be_closed(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "missing" / "x.db"))
    with pytest.raises(StoreUnusable):
        await store.open()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.load("i1")
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.create(a_decision())
    await store.close()


async def test_a_store_can_be_closed_twice_and_opened_again(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "x.db"))
    await store.open()
    await store.close()
    await store.close()
    async with opened(store):
        assert await store.create(a_decision())


async def test_a_full_disk_fails_the_save_and_the_store_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async with opened(SqliteStore(str(tmp_path / "x.db"))) as store:
        assert isinstance(store, SqliteStore)
        instance = an_instance()()
        await store.create(a_decision(instance))
        await limit_pages(store, 1)
        big = the_next(instance, variables={"x": "y" * 1_000_000})
        with pytest.raises(StoreUnavailable, match="no room to grow"):
            await store.save(big)
        assert await store.load("i1") == instance
        await limit_pages(store, 1_000_000)
        await store.save(big)
        assert await store.load("i1") == big.instance


async def limit_pages(store: SqliteStore, pages: int) -> None:
    await store.database.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))


async def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    async with opened(SqliteStore(str(tmp_path / "x.db"))) as store:
        assert isinstance(store, SqliteStore)
        await store.database.write(lambda connection: connection.execute("PRAGMA query_only = 1"))
        with pytest.raises(StoreUnusable, match="cannot be written; make the file"):
            await store.create(a_decision())


async def test_a_lock_that_is_held_too_long_makes_the_store_unavailable(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    async with opened(SqliteStore(Database(path, patience=timedelta(milliseconds=10)))) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            creating = [store.create(a_decision(an_instance(f"i{number}"))) for number in range(3)]
            answers = await asyncio.gather(*creating, return_exceptions=True)
            assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
            assert "`fuser" in str(answers[0])
            assert await store.load("i1") is None, "reading goes on"
        assert await store.create(a_decision(an_instance("i1")))


async def test_nothing_is_answered_before_its_commit(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    async with opened(SqliteStore(path)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            publishing = asyncio.ensure_future(store.publish("e", "k", 1, now=NOON))
            for _ in range(3):  # each read takes a turn through another thread
                assert await store.first_event("e", "k", after=0, since=None) is None
            assert not publishing.done()
            other.execute("COMMIT")
        event = await publishing
        assert await store.first_event("e", "k", after=0, since=None) == event
