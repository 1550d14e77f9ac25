"""An API server in this process, on loopback: enough of the real one's behaviour to be wrong against it.

It has uids, one counter of versions, preconditions, the status subresource, patches, generations, finalizers, owners,
selections, pages, watches that replay, and faults to order. It checks no schemas and no rights; `Served.validate` is
for rules that a test needs.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from wsgiref.handlers import format_date_time

from aiohttp import web

from wfe.kube.access import Access
from wfe.kube.resource import NAMESPACES, PODS, Resource
from wfe.runtime.clock import SystemClock
from wfe.testing.apiserver.containers import Containers
from wfe.testing.apiserver.faults import Fault, Faults, Seen
from wfe.testing.apiserver.objects import Object, Objects, PatchKind
from wfe.testing.apiserver.pages import Pages
from wfe.testing.apiserver.refusals import Refused
from wfe.testing.apiserver.targets import Served, Target, Targets, selection_of, shape_of, verb_of
from wfe.testing.apiserver.watches import Watch

PATCH_KINDS: Final[Mapping[str, PatchKind]] = {
    "application/merge-patch+json": "merge",
    "application/json-patch+json": "json",
    "application/apply-patch+yaml": "apply",
}
# Handlers still under way are cancelled after it; zero would wait for them for ever.
CLEAN_UP_SECONDS: Final = 0.01


class ApiServer:
    """Start it, give `start()`'s answer to a Client, and look into `objects`, `seen`, `faults`, `containers`."""

    def __init__(
        self,
        resources: Iterable[Resource | Served] = (),
        *,
        now: Callable[[], datetime] | None = None,
        token: str | None = None,
    ) -> None:
        served = [item if isinstance(item, Served) else Served(item) for item in resources]
        self.now = now or SystemClock().now
        self.token = token
        self.objects = Objects(self.now)
        self.faults = Faults()
        self.containers = Containers()
        self.seen: list[Seen] = []
        self.documents: dict[str, bytes] = {"/version": b'{"major":"1","minor":"35"}'}
        self._oldest = 0
        self._pages = Pages()
        self._watches: set[Watch] = set()
        self._targets = Targets(served)
        self._runner: web.AppRunner | None = None
        for item in served:
            if item.validate:
                self.objects.validators[item.resource] = item.validate

    async def start(self) -> Access:
        """Listen on a free port of loopback."""
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(self._tell_time)
        self._runner = web.AppRunner(
            app, handle_signals=False, shutdown_timeout=CLEAN_UP_SECONDS, access_log=None
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return Access(server=f"http://{host}:{port}", namespace="default")

    async def stop(self) -> None:
        """Cut everything off."""
        self.faults.clear()
        self.drop_watches()
        self.containers.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def compact(self) -> None:
        """Forget history and pages: watches from before, and continued lists, are answered with 410."""
        self._oldest = self.objects.version
        self._pages.forget()

    def drop_watches(self, status: int | None = None) -> None:
        """End all watches, abruptly or by an ERROR event with that status."""
        for watch in list(self._watches):
            watch.end(None if status is None else Refused(status, "the watch is over"))

    def bookmark(self) -> None:
        """Send a bookmark to every watch that takes them."""
        for watch in self._watches:
            watch.mark()

    @property
    def watching(self) -> int:
        """How many watches there are now."""
        return len(self._watches)

    def writes(self, resource: Resource | None = None) -> list[Seen]:
        """Return the requests that were no reads, in their order."""
        return [
            seen
            for seen in self.seen
            if seen.verb not in ("get", "list", "watch", "log")
            and (resource is None or seen.resource == resource.plural)
        ]

    async def _tell_time(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_date_time(self.now().timestamp())

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if (page := self.documents.get(request.path)) is not None:
            return web.Response(body=page, content_type="application/json")
        try:
            return await self._answer(request)
        except Refused as refused:
            headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
            return web.json_response(refused.body, status=refused.status, headers=headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refused(401, "Unauthorized")
        target = self._targets.at(request.path)
        seen = Seen(
            verb_of(request, target),
            target.resource.plural,
            target.namespace,
            target.name,
            target.subresource,
        )
        self.seen.append(seen)
        fault = self.faults.take(seen)
        if fault is not None and (answer := await self._trouble(fault, request)) is not None:
            return answer
        response = await self._do(request, target, seen.verb, fault)
        if fault is not None and fault.trouble == "lose":
            return _hang_up(request)
        return response

    async def _trouble(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        if fault.trouble == "answer":
            raise Refused(fault.status, fault.message, retry_after=fault.retry_after)
        if fault.trouble == "refuse":
            return _hang_up(request)
        if fault.trouble == "hold":
            fault.reached.set()
            await fault.free.wait()
        return None

    async def _do(
        self, request: web.Request, target: Target, verb: str, fault: Fault | None
    ) -> web.StreamResponse:
        match verb:
            case "watch":
                return await self._watch(request, target)
            case "exec":
                return await self._exec(request, target)
            case "log":
                return await self._log(request, target)
            case "list":
                as_of = fault.as_of if fault is not None and fault.trouble == "stale" else None
                return web.json_response(self._list(request, target, as_of))
            case "deletecollection":
                options = await _body(request)
                for item in self._selected(request, target):
                    self._delete(target, item["metadata"], options)
                return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"})
            case _:
                status = 201 if verb == "create" else 200
                item = self._one(target, verb, await _body(request), request.content_type)
                return web.json_response(shape_of(request)(item), status=status)

    def _one(self, target: Target, verb: str, body: Any, content_type: str) -> Object:
        resource, namespace, name = target.resource, target.namespace, target.name or ""
        match verb:
            case "get":
                return self.objects.get(resource, name, namespace)
            case "create":
                return self.objects.create(resource, body, namespace)
            case "update":
                return self.objects.replace(resource, body, namespace, subresource=target.subresource)
            case "patch":
                if content_type not in PATCH_KINDS:
                    raise Refused(415, f"this server knows no patch of type {content_type}")
                return self.objects.patch(
                    resource,
                    name,
                    namespace,
                    body,
                    kind=PATCH_KINDS[content_type],
                    subresource=target.subresource,
                )
            case "delete":
                return self._delete(target, {"name": name, "namespace": namespace}, body)
        raise Refused(405, f"this server does not {verb}")

    def _delete(self, target: Target, metadata: Object, options: Any) -> Object:
        options = options or {}
        item = self.objects.delete(
            target.resource,
            metadata["name"],
            metadata.get("namespace"),
            preconditions=options.get("preconditions"),
            grace_seconds=options.get("gracePeriodSeconds"),
            orphan=options.get("propagationPolicy") == "Orphan",
        )
        if target.resource == NAMESPACES:
            self._empty(metadata["name"])
        return item

    def _empty(self, namespace: str) -> None:
        for served in self._targets.served:
            for item in self.objects.all(served.resource, namespace) if served.resource.namespaced else ():
                # Its owner may have taken it along.
                with suppress(Refused):
                    self.objects.delete(served.resource, item["metadata"]["name"], namespace)

    def _list(self, request: web.Request, target: Target, as_of: int | None) -> Object:
        if token := request.query.get("continue"):
            version, items = self._pages.rest(token)
        else:
            version, items = as_of or self.objects.version, self._selected(request, target, as_of)
        limit = int(request.query.get("limit") or 0)
        return self._pages.page(target.resource, version, items, limit, shape_of(request))

    def _selected(self, request: web.Request, target: Target, as_of: int | None = None) -> list[Object]:
        matches = selection_of(request, target)
        return [item for item in self.objects.all(target.resource, as_of=as_of) if matches(item)]

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        since = int(request.query.get("resourceVersion") or 0)
        if since and since < self._oldest:
            raise Refused(410, f"too old resource version: {since} ({self._oldest})")
        watch = Watch(
            self.objects,
            target.resource,
            selection_of(request, target),
            since,
            shape_of(request),
            request.query.get("allowWatchBookmarks") == "true",
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._watches.add(watch)
        seconds = request.query.get("timeoutSeconds")
        try:
            async with asyncio.timeout(float(seconds) if seconds else None):
                if not await watch.serve(response):
                    return _hang_up(request)
        except TimeoutError:
            pass
        finally:
            self._watches.discard(watch)
        return response

    async def _exec(self, request: web.Request, target: Target) -> web.StreamResponse:
        pod, container = target.name or "", request.query.get("container", "")
        program = self.containers.program(pod, container)
        if program is None:
            self.objects.get(PODS, pod, target.namespace)
            raise Refused(400, f"container {container} is not valid for pod {pod}")
        return await self.containers.run(request, program)

    async def _log(self, request: web.Request, target: Target) -> web.StreamResponse:
        pod, container = target.name or "", request.query.get("container", "")
        log = self.containers.log(pod, container)
        if log is None:
            self.objects.get(PODS, pod, target.namespace)
            raise Refused(400, f"container {container} is not valid for pod {pod}")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        try:
            await log(response.write, request.query.get("follow") == "true")
        except ConnectionError:
            return _hang_up(request)
        return response


async def _body(request: web.Request) -> Any:
    text = await request.text()
    return json.loads(text) if text else None


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
