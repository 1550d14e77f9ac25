"""Serves reviews over TLS, each within its time.

What takes too long is let through: the operator reads every object itself, and says the same in its status.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import structlog
from aiohttp import web

from wfe.errors import WfeError
from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.site import port_of
from wfe.hosts.kubernetes.webhook import review
from wfe.hosts.kubernetes.webhook.certificate import Certificate
from wfe.hosts.kubernetes.webhook.review import Answer
from wfe.hosts.kubernetes.workflows import verdict_on
from wfe.kube import ApiNotFound, Client
from wfe.providers.customresource import WORKFLOWS

log: Any = structlog.get_logger(__name__)
WITHIN: Final = 4.0
AT_ONCE: Final = 4
MOST_BYTES: Final = 4 << 20
MOST_REMEMBERED: Final = 200
LATE: Final = Answer(warnings=("wfe could not look at this in time; the status of the object will say more",))


class Reviewer:
    """Answers reviews."""

    def __init__(
        self, client: Client, *, counted: Callable[[str, str], None] = lambda _kind, _result: None
    ) -> None:
        self._client = client
        self._counted = counted
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._graphs: dict[tuple[str, int], Graph | None] = {}

    async def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to an AdmissionReview."""
        request = body.get("request") or {}
        kind = str((request.get("kind") or {}).get("kind"))
        try:
            async with asyncio.timeout(WITHIN):
                found = await self._look(kind, request)
            result = "allowed" if found.allowed else "denied"
        except (TimeoutError, WfeError, OSError) as error:
            log.warning("review not finished", kind=kind, error=str(error) or "out of time")
            found, result = LATE, "late"
        self._counted(kind, result)
        return found.response(str(request.get("uid", "")))

    async def _look(self, kind: str, request: Mapping[str, Any]) -> Answer:
        body = request.get("object") or {}
        match kind:
            case "Workflow" if _is_changed(request):
                async with self._turns:
                    return await asyncio.to_thread(review.workflow, body)
            case "WorkflowInstance" if request.get("operation") == "CREATE":
                return await self._instance(body, str(request.get("namespace", "")))
            case "WorkflowEvent":
                return review.event(body)
            case _:
                return Answer()

    async def _instance(self, body: Mapping[str, Any], namespace: str) -> Answer:
        name = review.wanted_workflow(body)
        try:
            found = await self._client.get(WORKFLOWS, name, namespace) if name else None
        except ApiNotFound:
            found = None
        if found is None:
            return review.instance(body, None, is_known=False)
        graph = await self._graph(found)
        asked = ((body.get("spec") or {}).get("workflowRef") or {}).get("version")
        if graph is not None and asked not in {None, graph.workflow.version}:
            return Answer()  # a version of before, which the operator knows
        return review.instance(body, graph, is_known=True)

    async def _graph(self, found: dict[str, Any]) -> Graph | None:
        metadata = found["metadata"]
        key = (metadata["uid"], metadata.get("generation", 0))
        if key not in self._graphs:
            async with self._turns:
                verdict = await asyncio.to_thread(verdict_on, found)
            if len(self._graphs) >= MOST_REMEMBERED:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[key] = verdict.graph
        return self._graphs[key]


def _is_changed(request: Mapping[str, Any]) -> bool:
    """Whether a Workflow's text changes: what is only labelled, or being deleted, is not looked at again."""
    before = (request.get("oldObject") or {}).get("spec")
    return before is None or before != (request.get("object") or {}).get("spec")


class Server:
    """The HTTPS server; its certificate may be replaced while it serves."""

    def __init__(self, reviewer: Reviewer) -> None:
        self._reviewer = reviewer
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._serving: Certificate | None = None

    @property
    def has_certificate(self) -> bool:
        return self._serving is not None

    def use(self, certificate: Certificate) -> None:
        """Serve new connections with this certificate."""
        if certificate == self._serving:
            return
        with TemporaryDirectory() as directory:
            files = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
            for name, content in files.items():
                path = Path(directory) / name
                path.touch(0o600)
                path.write_bytes(content)
            self._context.load_cert_chain(Path(directory) / "tls.crt", Path(directory) / "tls.key")
        self._serving = certificate
        log.info("serving with a new certificate")

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[int]:
        """Serve /validate; yields the port, which 0 leaves to the system."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/validate", self._validate)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            listener = web.TCPSite(runner, port=port, ssl_context=self._context)
            await listener.start()
            yield port_of(runner)
        finally:
            await runner.cleanup()

    async def _validate(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return web.Response(status=400, text="this is no AdmissionReview")
        if not isinstance(body, dict):
            return web.Response(status=400, text="this is no AdmissionReview")
        return web.json_response(await self._reviewer.answer(body))
