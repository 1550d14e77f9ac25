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

# These read all live instances, or all that waits in inboxes: that is what they are asked for.
WHOLE = {"unfinished", "inboxes"}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(str(tmp_path / "x.db"), timedelta(seconds=1))) as opened:
        migrate(opened, "x.db")
        yield opened


@pytest.mark.parametrize("name", sorted(SQL))
def test_a_statement_uses_an_index(connection: sqlite3.Connection, name: str) -> None:
    sql = sql_for(name, 3).replace(":filters", "status = 'Running' AND (created, id) < (1, 'x')")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", _values(sql))]
    steps = [step for step in plan if step != "SCAN CONSTANT ROW"]
    wasteful = [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step]
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
