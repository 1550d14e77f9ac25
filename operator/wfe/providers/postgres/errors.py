"""Postgres's errors in our words: what is wrong, whether it may pass, and the way out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import asyncpg

from wfe.errors import Permanent, StoreUnavailable
from wfe.providers.postgres.address import Address


class StoreUnusable(Permanent):
    """The database cannot be used as it is; somebody has to change something."""


class InTheWay(StoreUnavailable):
    """Two transactions waited for each other, and this one was undone; by itself it may succeed at once."""


# By SQLSTATE, or its class: the longest that fits. https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNUSABLE: Final[Mapping[str, str]] = {
    "22": "refuses a value",
    "26": "has lost a prepared statement; if a pooler is in between, add `statement_cache_size=0` to the URL",
    "28": "refuses the user; give the right user and password, in the URL or in PGPASSWORD, and look at `pg_hba.conf`",
    "3D000": "does not exist; create it: `createdb DATABASE`",
    "3F000": "lacks the schema that was there; restore a backup, or start anew with another schema",
    "42": "lacks what this version expects; restore a backup, or start anew with another schema",
    "42501": "does not allow it; let the user `USER` own the schema: `CREATE SCHEMA NAME AUTHORIZATION USER`",
    "42704": "does not know what is named; look whether the options of the URL are spelled right",
    "42P05": "mixes up prepared statements; a pooler is in between: add `statement_cache_size=0` to the URL",
    "54": "refuses what is too large for it",
}
_UNAVAILABLE: Final[Mapping[str, str]] = {
    "08": "cannot be reached; look whether the server runs and lets this machine connect",
    "25006": "only reads at present: it is a standby; connect to the primary, or wait until this one is",
    "25P03": "ended a transaction that took too long; look at `idle_in_transaction_session_timeout`",
    "53100": "has no room to grow: a disk is full; free some space",
    "53200": "needs more memory than there is; free some",
    "53300": "has no connection left; raise `max_connections`, or use fewer: `connections=` in the URL",
    "53": "lacks resources; look at its log",
    "55": "is busy with this; try again",
    "57014": "was told to end a statement that took too long; look at `statement_timeout` and at its load",
    "57": "is stopping or starting; try again",
    "58": "cannot read or write its files; look at its disk and its log",
    "XX": "is in trouble; look at its log",
}


def translated(error: Exception, address: Address) -> Exception:
    """Return the error to raise for one that came out of the client library."""
    match error:
        case asyncpg.PostgresError():
            return _by_state(error, address)
        case TimeoutError():
            return StoreUnavailable(
                _said(address, "does not answer; look at its load and at the network", None)
            )
        case OSError():
            return StoreUnavailable(_said(address, _UNAVAILABLE["08"], error))
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return StoreUnavailable(_said(address, "let go of the connection; try again", error))
        case _:
            return error


def _by_state(error: asyncpg.PostgresError, address: Address) -> Exception:
    state = error.sqlstate or ""
    if state.startswith("40"):
        return InTheWay(
            _said(address, "undid one of two transactions that waited for each other; try again", error)
        )
    for code in (state, state[:2]):
        if code in _UNAVAILABLE:
            return StoreUnavailable(_said(address, _UNAVAILABLE[code], error))
        if code in _UNUSABLE:
            return StoreUnusable(_said(address, _UNUSABLE[code], error))
    return StoreUnusable(_said(address, "cannot be used like this", error))


def _said(address: Address, remedy: str, error: Exception | None) -> str:
    for word, value in (("DATABASE", address.database), ("USER", address.user), ("NAME", address.schema)):
        remedy = remedy.replace(word, value)
    reason = f" ({error})" if error is not None and str(error) else ""
    return f"the database `{address.shown}` {remedy}{reason}"


@contextmanager
def in_our_words(address: Address) -> Iterator[None]:
    """Translate what the client library raises inside."""
    try:
        yield
    except Exception as error:
        other = translated(error, address)
        if other is error:
            raise
        raise other from error
