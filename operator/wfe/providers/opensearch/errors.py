"""OpenSearch's errors in our words: what is wrong, whether it may pass, and the way out."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opensearchpy import exceptions

from wfe.errors import Permanent, StoreUnavailable, WfeError
from wfe.providers.opensearch.address import Address

_LONGEST: Final = 300
# OpenSSL's word for an answer that is no TLS.
_NO_TLS: Final = "WRONG_VERSION_NUMBER"
_BLOCKED: Final = "cluster_block_exception"
_DISK_FULL: Final = (
    "refuses writes, as it does when its disk is nearly full: {why}; free some space or add nodes, "
    "and it takes writes again by itself"
)


class OpenSearchUnusable(Permanent):
    """The server cannot be used as it is, or not in this way; somebody has to change something."""


class RequestTooLarge(OpenSearchUnusable):
    """The server, or a proxy before it, takes no request of this size."""


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Raise what goes wrong inside as one of our errors."""
    try:
        yield
    except exceptions.OpenSearchException as error:
        raise _translated(error, address) from error


def _translated(error: exceptions.OpenSearchException, address: Address) -> WfeError:
    if isinstance(error, exceptions.ConnectionError):
        return _not_reached(error, address)
    if not isinstance(error, exceptions.TransportError):
        return OpenSearchUnusable(_said(address, f"answers what is not understood: {_short(str(error))}"))
    return _refusal(int(error.status_code), error.info, _short(str(error.error)), address)


def refusal(item: Mapping[str, Any], address: Address) -> WfeError:
    """Return the error for an item of an answer that says what would be so of all items."""
    return _refusal(item["status"], item, "", address)


def _refusal(status: int, info: Any, otherwise: str, address: Address) -> WfeError:
    reason = reason_of(info) or otherwise
    if status == 401:
        return OpenSearchUnusable(_said(address, _who(address)))
    if is_blocked(info):
        return StoreUnavailable(_said(address, _DISK_FULL.format(why=reason)))
    if status == 403:
        return OpenSearchUnusable(
            _said(address, f"refuses what `{address.user}` may not do: {reason}; give the user the rights")
        )
    if status == 413:
        return RequestTooLarge(_said(address, "takes no request of that size (status 413)"))
    if status == 429:
        return StoreUnavailable(_said(address, f"has more to do than it can: {reason}; try again"))
    if status >= 500:
        return StoreUnavailable(_said(address, f"is in trouble (status {status}): {reason}; look at its log"))
    behind = f"; see whether `{address.path}` belongs into the URL" if status == 404 and address.path else ""
    return OpenSearchUnusable(_said(address, f"refuses a request (status {status}): {reason}{behind}"))


def _not_reached(error: exceptions.ConnectionError, address: Address) -> WfeError:
    if _NO_TLS in str(error.info):
        return OpenSearchUnusable(_said(address, "speaks no TLS; write `http://…`, or switch TLS on there"))
    if isinstance(error, exceptions.SSLError) or isinstance(error.info, ssl.SSLError):
        return OpenSearchUnusable(
            _said(
                address,
                f"is not trusted: {_short(str(error.info))}; name the authority of its certificate with `?ca=FILE`, "
                "or use the host's name that the certificate has",
            )
        )
    if isinstance(error, exceptions.ConnectionTimeout):
        seconds = f"{address.timeout.total_seconds():g}"
        return StoreUnavailable(
            _said(address, f"has not answered within {seconds} s; see whether it is well")
        )
    return StoreUnavailable(
        _said(
            address,
            f"cannot be reached: {_short(str(error.error))}; see whether it runs and the URL is right",
        )
    )


def _who(address: Address) -> str:
    if not address.user:
        return "asks who we are; put user and password into the URL, as in `https://USER:PASSWORD@HOST:9200`"
    return f"does not accept the password of `{address.user}`; correct it in the URL (`%40` for `@`)"


def is_blocked(info: Any) -> bool:
    """Tell whether an answer, or an item of one, refuses writes as long as the disk is nearly full."""
    return isinstance(info, Mapping) and _BLOCKED in {
        info.get("type"),
        error.get("type") if isinstance(error := info.get("error"), Mapping) else None,
    }


def reason_of(info: Any) -> str:
    """Return what the server says is wrong, in an answer or in an item of one."""
    error = info.get("error", info) if isinstance(info, Mapping) else None
    if not isinstance(error, Mapping):
        return ""
    reasons = [error.get("reason"), (error.get("caused_by") or {}).get("reason")]
    return _short("; ".join(str(reason) for reason in reasons if reason))


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST else f"{one_line[:_LONGEST]}…"


def _said(address: Address, what: str) -> str:
    return f"OpenSearch at `{address}` {what}"
