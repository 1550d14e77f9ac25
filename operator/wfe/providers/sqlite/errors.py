"""SQLite's errors in our words: what is wrong with the file, whether it may pass, and the way out."""

import sqlite3
from collections.abc import Mapping
from typing import Final

from wfe.errors import Permanent, StoreUnavailable, WfeError


class StoreUnusable(Permanent):
    """The database file cannot be used as it is; somebody has to change something."""


_UNUSABLE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; name another file, or move this one away",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup, or try `sqlite3 FILE .recover` on a copy",
    sqlite3.SQLITE_READONLY: "cannot be written; make the file and its directory writable for this user",
    sqlite3.SQLITE_PERM: "may not be opened; make the file and its directory accessible for this user",
    sqlite3.SQLITE_AUTH: "may not be opened; make the file and its directory accessible for this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; its directory has to exist and to be writable for this user",
    sqlite3.SQLITE_TOOBIG: "refuses a value that is too large; keep values of steps under 1 GB",
    sqlite3.SQLITE_ERROR: "lacks what this version expects; restore a backup or name another file",
}
_UNAVAILABLE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_BUSY: "has been locked by another process for too long; find out which with `fuser FILE`",
    sqlite3.SQLITE_LOCKED: "is locked by this process; try again",
    sqlite3.SQLITE_FULL: "has no room to grow: the disk or a quota is full; free some space",
    sqlite3.SQLITE_IOERR: "cannot be read or written by the system; look at the disk and the kernel's log",
    sqlite3.SQLITE_NOMEM: "needs more memory than there is; free some",
}


def translated(error: Exception, path: str) -> Exception:
    """Return the error to raise for one that came out of the database's thread."""
    if isinstance(error, WfeError) or not isinstance(error, sqlite3.Error):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _UNAVAILABLE:
        return StoreUnavailable(_said(path, _UNAVAILABLE[code], error))
    remedy = _UNUSABLE.get(code, "cannot be used; restore a backup or name another file")
    return StoreUnusable(_said(path, remedy, error))


def _said(path: str, remedy: str, error: Exception) -> str:
    return f"the database `{path}` {remedy.replace('FILE', path)} ({error})"
