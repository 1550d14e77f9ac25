"""What the API server refuses, in the words of somebody who sits at a command line: what, where, the way out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from wfe.errors import NotFound, Permanent, Retryable, StoreUnavailable, WfeError
from wfe.hosts.cli.cluster.place import Place
from wfe.kube import (
    AccessUnclear,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiInvalid,
    ApiNotFound,
    ApiUnavailable,
)
from wfe.providers.customresource.errors import StoreRefused

READING: Final = frozenset({"get", "list", "watch"})
_FORBIDDEN: Final = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]+)")?'
)
_MISSING: Final = re.compile(r'^(?P<kind>\S+) "(?P<name>[^"]*)" not found$')


class Refused(Permanent):
    """The cluster will not do it, or cannot be asked."""


class Unreachable(Retryable):
    """The cluster may do it later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom we spoke to, and where."""

    server: str
    namespace: str
    place: Place


@contextmanager
def in_words(asked: Asked) -> Iterator[None]:
    """Say what the API server refused so that its user can do something about it."""
    try:
        yield
    except ApiError as error:
        raise said(error, asked) from error
    except (StoreUnavailable, StoreRefused) as error:
        # A store says what it was doing; what the server said is the cause, and worth more here.
        if isinstance(error.__cause__, ApiError):
            raise said(error.__cause__, asked) from error
        raise


def said(error: ApiError, asked: Asked) -> WfeError:
    """Return the error of a command for an answer of the API server."""
    match error:
        case ApiForbidden() if error.status == 401:
            return Refused(
                f"the API server {asked.server} does not know who you are ({error.message}); sign in again, "
                "or choose another --context"
            )
        case ApiForbidden():
            return Refused(_forbidden(error.message))
        case ApiNotFound():
            return _not_found(error.message, asked)
        case ApiInvalid():
            return Refused(f"the cluster refuses it: {denied(error.message) or error.message}")
        case ApiConflict():
            return Unreachable(f"somebody else changed it meanwhile; try again ({error.message})")
        case ApiUnavailable() if error.status == 0:
            return Unreachable(
                f"{asked.server}: {error.message}; see whether the cluster is up, or choose another --context"
            )
        case _:
            return Unreachable(f"the API server {asked.server} cannot do it now: {error.message}; try again")


def no_access(error: AccessUnclear) -> Refused:
    """Return the error of a command that does not know its cluster."""
    return Refused(f"{error}; name one with --kubeconfig or KUBECONFIG, and its context with --context")


def is_missing_object(error: ApiNotFound) -> bool:
    """Say whether the kind is known, and just this object is not there."""
    found = _MISSING.match(error.message)
    return found is not None and found["kind"] != "namespaces"


def denied(message: str) -> str:
    """Return what an admission webhook or a policy said; nothing if it was neither."""
    _, found, words = message.partition("denied the request: ")
    return words.strip() if found else ""


def _forbidden(message: str) -> str:
    if words := denied(message):
        return f"the cluster refuses it: {words}"
    found = _FORBIDDEN.search(message)
    if found is None:
        return f"the cluster forbids it: {message}"
    where = f" in namespace `{found['namespace']}`" if found["namespace"] else ""
    resource = ".".join(filter(None, (found["resource"], found["group"])))
    return f"`{found['user']}` may not {found['verb']} {resource}{where}; {_way_out(found)}"


def _way_out(found: re.Match[str]) -> str:
    if not found["namespace"]:
        return "name a namespace with -n, or ask for a ClusterRole that allows it"
    own = (found["group"] or "").endswith("wfe.sunbeam.pt")
    if found["verb"] in READING and found["resource"] != "leases":
        role = "`wfe-view`, which is part of `view`," if own else "`view`"
    else:
        role = "`wfe-edit`, which is part of `edit`," if own else "`edit`"
    return f"ask for the ClusterRole {role} there"


def _not_found(message: str, asked: Asked) -> WfeError:
    found = _MISSING.match(message)
    if found is None:
        return Refused(
            f"WFE is not installed in the cluster {asked.server}; install it with "
            "`helm install wfe charts/wfe --namespace wfe-system --create-namespace`, or choose another --context"
        )
    if found["kind"] == "namespaces":
        return NotFound(
            f"there is no namespace `{found['name']}`; `kubectl create namespace {found['name']}` makes it, "
            "and -n chooses another"
        )
    return NotFound(missing(found["kind"].partition(".")[0], found["name"], asked))


def missing(plural: str, name: str, asked: Asked) -> str:
    """Say that there is no such object."""
    at = f"in namespace `{asked.namespace}`"
    if plural == "workflowinstances":
        return f"there is no instance `{name}` {at}; `{asked.place.line('list')}` shows those there are"
    if plural == "workflows":
        return f"there is no workflow `{name}` {at}; `{asked.place.line('apply', 'FILE')}` puts one there"
    return f"there is no {plural.removesuffix('s')} `{name}` {at}"
