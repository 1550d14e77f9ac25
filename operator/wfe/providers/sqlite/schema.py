"""Opening a database file: WAL, durability, and the schema brought up to date under a lock."""

import re
import sqlite3
from datetime import timedelta
from functools import cache
from importlib.resources import files
from threading import Event
from time import monotonic
from typing import Final

from wfe.providers.sqlite.errors import StoreUnusable

APPLICATION: Final = 0x57464531  # "WFE1", kept in the file's header
OLDEST: Final = (3, 37, 0)  # STRICT tables, RETURNING
CHECKPOINT_PAGES: Final = 1000


def connect(path: str, patience: timedelta) -> sqlite3.Connection:
    """Open the file for one thread at a time; every commit is on the disk before it returns.

    `patience` is how long to wait while another process has the lock.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise StoreUnusable(
            f"this Python has SQLite {sqlite3.sqlite_version}, and WFE needs {needed}; use a newer Python"
        )
    seconds = patience.total_seconds()
    connection = sqlite3.connect(
        path, timeout=seconds, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _version(connection, path)  # before anything is changed in a file that is not ours
        _use_wal(connection, seconds)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    # The switch to WAL, when two processes open a new file at once, does not wait for the lock by itself.
    pause = Event()
    until = monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
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
    version, known = _version(connection, path), _migrations()
    if version == len(known):
        return
    for script in known[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(known)}")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")


def _version(connection: sqlite3.Connection, path: str) -> int:
    """Return how many migrations the file has seen; refuse one that is not for us."""
    version, application, objects = (
        int(connection.execute(sql).fetchone()[0])
        for sql in ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_master")
    )
    if objects and application != APPLICATION:
        raise StoreUnusable(f"the database `{path}` belongs to another program; name another file")
    if version > len(_migrations()):
        raise StoreUnusable(
            f"the database `{path}` was written by a later version of WFE (schema {version}, this one knows "
            f"{len(_migrations())}); use that version, or name another file"
        )
    return version


@cache
def _migrations() -> list[str]:
    found = {
        int(one.name[:4]): re.sub(r"--.*", "", one.read_text("utf-8"))
        for one in files(__package__).joinpath("migrations").iterdir()
        if one.name.endswith(".sql")
    }
    return [script for _, script in sorted(found.items())]
