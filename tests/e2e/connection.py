"""What tests do all the time, over one connection: a `kubectl` takes a tenth of a second of a processor.

What people do, tests do as people do it.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

from wfe.kube import find_access

_OWN, _CORE = "apis/wfe.sunbeam.pt/v1alpha1", "api/v1"
_ADMISSION = "apis/admissionregistration.k8s.io/v1"
# The kinds that tests ask for, by the names that they have for kubectl: group and plural.
_KINDS = {
    "leases": ("apis/coordination.k8s.io/v1", "leases"),
    "wfd": (_OWN, "workflows"),
    "wfi": (_OWN, "workflowinstances"),
    "wfev": (_OWN, "workflowevents"),
    **{
        f"{kind}s": (_CORE, f"{kind}s")
        for kind in ("pod", "configmap", "event", "service", "serviceaccount", "resourcequota", "namespace")
    },
    "validatingwebhookconfigurations": (_ADMISSION, "validatingwebhookconfigurations"),
    "validatingadmissionpolicies": (_ADMISSION, "validatingadmissionpolicies"),
}
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_TRIES = 3


class Connection:
    """A connection to the cluster that an environment names in KUBECONFIG.

    It is made outside of an event loop, and may be used in one: tests have nothing else to do meanwhile.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        access = find_access(environment=environment)
        self._headers = {**asyncio.run(access.headers()), **_JSON}
        address = urlsplit(access.server)
        host, port = address.hostname or "", address.port
        self._connection: HTTPConnection
        if address.scheme == "https":
            tls = access.tls if isinstance(access.tls, ssl.SSLContext) else None
            self._connection = HTTPSConnection(host, port, timeout=60, context=tls)
        else:
            self._connection = HTTPConnection(host, port, timeout=60)
        self._lock = Lock()

    def close(self) -> None:
        """Close it; another question opens it again."""
        self._connection.close()

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any]:
        """Return an object; {} if there is none.

        Args:
            namespace: where it is; "" for what is in none.
        """
        status, found = self._ask("GET", f"{_path(namespace, kind)}/{name}")
        assert status in {200, 404}, found
        return found if status == 200 else {}

    def items(self, namespace: str, kind: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind that both selectors choose."""
        query = urlencode({"labelSelector": labels, "fieldSelector": fields})
        status, found = self._ask("GET", f"{_path(namespace, kind)}?{query}")
        assert status == 200, found
        listed: list[dict[str, Any]] = found["items"]
        return listed

    def create(self, namespace: str, kind: str, body: dict[str, Any]) -> None:
        """Make an object, which may be there already."""
        status, found = self._ask("POST", _path(namespace, kind), json.dumps(body))
        assert status in {201, 409}, found

    def delete(self, namespace: str, kind: str, name: str) -> None:
        """Delete an object, which may be gone already, and do not wait."""
        status, found = self._ask("DELETE", f"{_path(namespace, kind)}/{name}")
        assert status in {200, 202, 404, 409}, found

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
        with self._lock:
            for left in reversed(range(_TRIES)):
                try:
                    self._connection.request(method, path, body, self._headers)
                    answer = self._connection.getresponse()
                    return answer.status, json.loads(answer.read())
                except (HTTPException, OSError):
                    # The server ends connections that are idle for long.
                    self._connection.close()
                    if not left:
                        raise
        raise AssertionError


def _path(namespace: str, kind: str) -> str:
    group, plural = _KINDS[kind]
    return f"/{group}/namespaces/{namespace}/{plural}" if namespace else f"/{group}/{plural}"
