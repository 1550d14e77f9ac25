"""The client's errors in our words: what is wrong with the server, whether it may pass, and the way out."""

import ssl
from collections.abc import Iterator
from typing import Final

from redis import exceptions

from wfe.errors import Permanent, StoreUnavailable, WfeError


class ValkeyUnusable(Permanent):
    """The server cannot be used as it is; somebody has to change something."""


# The first word of what the server says, and what to say about it.
_UNUSABLE: Final = {
    "WRONGPASS": "refuses the user or the password; correct them in the URL",
    "NOAUTH": "wants a password; use a URL like `redis://:PASSWORD@HOST:PORT`",
    "NOPERM": "does not let this user do what WFE does; grant the user all commands on keys with the prefix",
    "MOVED": "is one node of a cluster and keeps other keys; name a server that is not in cluster mode",
    "CROSSSLOT": "is one node of a cluster; name a server that is not in cluster mode",
    "WRONGTYPE": "has something of another program under our keys; set another `?prefix=`",
    "DB": "does not have that many databases; use a lower number at the end of the URL",
    "unknown": "is too old; WFE needs Valkey, or Redis 6.2 or later",
}
_UNAVAILABLE: Final = {
    "LOADING": "is still loading its data; wait",
    "OOM": "has no memory left; raise its `maxmemory`, and let it evict nothing of ours",
    "MISCONF": "cannot write to its disk and refuses changes; look at its log",
    "READONLY": "is a replica and takes no changes; name the primary",
    "MASTERDOWN": "is a replica that has lost its primary; wait, or name the primary",
    "NOSCRIPT": "forgets scripts while they are loaded; try again",
    "BUSY": "is busy with a script of another program; wait, or end that with `SCRIPT KILL`",
}


def translated(error: Exception, server: str) -> WfeError:
    """Return the error to raise for one that came out of the client; `server` names the server, without secrets."""
    if isinstance(error, exceptions.ResponseError | exceptions.AuthenticationError):
        return _answered(error, server)
    if isinstance(error, exceptions.BusyLoadingError):
        return StoreUnavailable(f"{server} {_UNAVAILABLE['LOADING']}")
    if any(isinstance(cause, ssl.SSLError | FileNotFoundError) for cause in _causes(error)):
        return ValkeyUnusable(
            f"{server} cannot be spoken to by TLS ({error}); name its certificate authority with `?ca=FILE`"
        )
    if isinstance(error, TimeoutError | exceptions.TimeoutError):
        return StoreUnavailable(
            f"{server} does not answer in time; see whether it runs, has too much to do, or speaks no TLS"
        )
    return StoreUnavailable(f"{server} cannot be reached ({error}); see whether it runs, and the URL")


def _answered(error: Exception, server: str) -> WfeError:
    code = _code_of(error)
    if code in _UNAVAILABLE:
        return StoreUnavailable(f"{server} {_UNAVAILABLE[code]} ({error})")
    return ValkeyUnusable(f"{server} {_UNUSABLE.get(code, 'refuses what WFE asks for')} ({error})")


def _code_of(error: Exception) -> str:
    """Return the first word of the answer; the client takes some of them away, and knows them by class."""
    known = {
        exceptions.AuthenticationWrongNumberOfArgsError: "WRONGPASS",
        exceptions.NoPermissionError: "NOPERM",
        exceptions.NoScriptError: "NOSCRIPT",
        exceptions.ReadOnlyError: "READONLY",
        exceptions.MasterDownError: "MASTERDOWN",
        exceptions.OutOfMemoryError: "OOM",
        exceptions.MovedError: "MOVED",
        exceptions.ClusterCrossSlotError: "CROSSSLOT",
    }
    for kind, code in known.items():
        if isinstance(error, kind):
            return code
    word = str(error).partition(" ")[0]
    if isinstance(error, exceptions.AuthenticationError):
        return "NOAUTH" if "required" in str(error) else "WRONGPASS"
    return word


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
