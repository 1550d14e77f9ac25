"""Where the API server is, and how we show who we are."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wfe.errors import Permanent


class AccessUnclear(Permanent):
    """There is no kubeconfig and no service account, or they do not say enough."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one API server.

    `headers` is asked before every request, because tokens rotate; it reads a file at most once a minute.
    """

    server: str
    namespace: str
    tls: ssl.SSLContext | bool
    headers: Callable[[], dict[str, str]]


def find_access(*, kubeconfig: Path | None = None, context: str | None = None) -> Access:
    """Find the way: a kubeconfig that is named (or by KUBECONFIG, or ~/.kube/config), else the pod's service account.

    Tokens, token files, client certificates (paths or data), basic auth and exec plugins are understood.

    Raises:
        AccessUnclear: nothing was found, or there is no such context; the text says where was looked.
    """
    raise NotImplementedError
