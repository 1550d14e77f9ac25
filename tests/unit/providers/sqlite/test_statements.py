"""Every statement fits the schema, and those whose tables grow read no more than they need."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from wfe.providers.sqlite.schema import connect, migrate
from wfe.providers.sqlite.statements import SQL, sql_for

# These read all live instances, all that waits in inboxes, all of a log: that is what they are asked for. What was
# written at one time is put in order after it was found.
WHOLE = {"unfinished", "inboxes", "numbers_of_segments", "segments"}
FILTERS = {"segments": "instance = 'x' AND written >= 1"}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(str(tmp_path / "x.db"), timedelta(seconds=1))) as opened:
        migrate(opened, "x.db")
        yield opened


@pytest.mark.parametrize("name", sorted(SQL))
def test_a_statement_uses_an_index(connection: sqlite3.Connection, name: str) -> None:
    sql = sql_for(name, 3).replace(
        ":filters", FILTERS.get(name, "status = 'Running' AND (created, id) < (1, 'x')")
    )
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", _values(sql))]
    steps = [step for step in plan if step != "SCAN CONSTANT ROW"]
    # A virtual table is always scanned; `0:=` is a scan of one row, and `0:M` one of those with a word.
    found = [
        step for step in steps if not step.endswith(("VIRTUAL TABLE INDEX 0:=", "VIRTUAL TABLE INDEX 0:M"))
    ]
    wasteful = [step for step in found if step.startswith("SCAN") or "TEMP B-TREE" in step]
    assert name in WHOLE or wasteful == []


def _values(sql: str) -> dict[str, None] | list[None]:
    names = re.findall(r":(\w+)", sql)
    return dict.fromkeys(names) if names else [None] * sql.count("?")


def test_a_migration_is_applied_once(connection: sqlite3.Connection) -> None:
    migrate(connection, "x.db")
    known = len([*files("wfe.providers.sqlite").joinpath("migrations").iterdir()])
    assert connection.execute("PRAGMA user_version").fetchone() == (known,)


def test_every_commit_waits_for_the_disk(connection: sqlite3.Connection) -> None:
    found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
    assert found == [2, "wal"]
