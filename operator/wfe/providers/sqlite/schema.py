"""Opening a database file: WAL, durability, and the schema brought up to date under a lock."""

import re
import sqlite3
from importlib.resources import files
from threading import Event
from typing import Final

from wfe.providers.sqlite.errors import BUSY_SECONDS, StoreUnusable

APPLICATION: Final = 0x57464531  # "WFE1", kept in the file's header
CHECKPOINT_PAGES: Final = 1000


def connect(path: str) -> sqlite3.Connection:
    """Open the file for one thread at a time, every commit on the disk before it returns."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # Two processes that open a new file at once: the switch to WAL does not wait for the lock by itself.
    pause = Event()
    for attempt in range(int(BUSY_SECONDS * 50)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == BUSY_SECONDS * 50 - 1:
                raise
            pause.wait(0.02)
        else:
            return


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Apply the migrations that the file has not seen, all or none, one process at a time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply_missing(connection, path)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _apply_missing(connection: sqlite3.Connection, path: str) -> None:
    known = _migrations()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION:
        raise StoreUnusable(f"the database `{path}` belongs to another program; name another file")
    if version > len(known):
        raise StoreUnusable(
            f"the database `{path}` was written by a later version of WFE (schema {version}, this one knows "
            f"{len(known)}); use that version, or name another file"
        )
    if version == len(known):
        return
    for script in known[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(known)}")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")


def _migrations() -> list[str]:
    found = {
        int(one.name[:4]): re.sub(r"--.*", "", one.read_text("utf-8"))
        for one in files(__package__).joinpath("migrations").iterdir()
        if one.name.endswith(".sql")
    }
    return [script for _, script in sorted(found.items())]
