"""Each error of Postgres says what, where and the way out, and whether it may pass."""

import asyncpg
import pytest

from wfe.errors import Permanent, StoreUnavailable
from wfe.providers.postgres.address import Address
from wfe.providers.postgres.errors import translated

ADDRESS = Address.of("postgres://me:hunter2@host/db?schema=mine")


def said_of(error: Exception) -> tuple[str, str]:
    other = translated(error, ADDRESS)
    kind = (
        "later" if isinstance(other, StoreUnavailable) else "never" if isinstance(other, Permanent) else "?"
    )
    return kind, str(other)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ConnectionRefusedError(111, "refused"), "later", "cannot be reached; look whether the server runs"),
        (TimeoutError(), "later", "does not answer"),
        (asyncpg.InterfaceError("connection is closed"), "later", "let go of the connection"),
        (asyncpg.ConnectionDoesNotExistError("lost"), "later", "cannot be reached"),
        (asyncpg.CannotConnectNowError("starting up"), "later", "is stopping or starting"),
        (asyncpg.AdminShutdownError("terminating"), "later", "is stopping or starting"),
        (
            asyncpg.TooManyConnectionsError("53300"),
            "later",
            "has no connection left; raise `max_connections`",
        ),
        (asyncpg.DiskFullError("No space left"), "later", "a disk is full; free some space"),
        (asyncpg.DeadlockDetectedError("deadlock"), "later", "waited for each other"),
        (
            asyncpg.ReadOnlySQLTransactionError("read-only"),
            "later",
            "it is a standby; connect to the primary",
        ),
        (
            asyncpg.IdleInTransactionSessionTimeoutError("idle"),
            "later",
            "`idle_in_transaction_session_timeout`",
        ),
        (asyncpg.InvalidPasswordError("me"), "never", "refuses the user; give the right user and password"),
        (asyncpg.InvalidCatalogNameError("db"), "never", "does not exist; create it: `createdb db`"),
        (asyncpg.InsufficientPrivilegeError("no"), "never", "`CREATE SCHEMA mine AUTHORIZATION me`"),
        (asyncpg.DuplicatePreparedStatementError("x"), "never", "add `statement_cache_size=0` to the URL"),
        (asyncpg.UndefinedTableError("parts"), "never", "lacks what this version expects"),
        (asyncpg.UndefinedObjectError("schem"), "never", "options of the URL are spelled right"),
        (asyncpg.ProgramLimitExceededError("index row"), "never", "too large"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_in_our_words(error: Exception, kind: str, said: str) -> None:
    found = said_of(error)
    assert found[0] == kind
    assert said in found[1]
    assert found[1].startswith("the database `postgres://me@host/db?schema=mine` ")
    assert "hunter2" not in found[1]


def test_other_errors_stay_what_they_are() -> None:
    error = KeyError("x")
    assert translated(error, ADDRESS) is error
