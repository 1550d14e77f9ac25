"""A client of the API server over one pool of connections."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from wfe.kube.access import Access
from wfe.kube.errors import ApiInvalid, ApiNotFound
from wfe.kube.listing import METADATA_OF_MANY, METADATA_OF_ONE, every
from wfe.kube.resource import PODS, Resource
from wfe.kube.stream import PROTOCOLS, ExecStream
from wfe.kube.transport import Observe, Request, Transport

Object = dict[str, Any]
PatchKind = Literal["merge", "json", "apply"]
Propagation = Literal["Background", "Foreground", "Orphan"]

PATCH_TYPES: Final[Mapping[PatchKind, str]] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
_object = msgspec.json.Decoder(Object).decode


class Client:
    """Calls with plain JSON objects. Connection errors, 429 and 5xx are tried again for a while, with jitter; a
    create or delete that may have happened is told by what the next try finds, and by the error's `unclear`. At most
    `writes` writes at a time.

    Args:
        access: where and as whom.
        user_agent: also the field manager.
        observe: called with (verb, resource plural, HTTP status, seconds) after each request, for metrics; the
            status is 0 where there was no answer. For `watch` and `log` the seconds are how long they lasted.
        patience: for how many seconds a call is begun again.
    """

    def __init__(
        self,
        access: Access,
        *,
        user_agent: str = "wfe",
        writes: int = 32,
        observe: Observe | None = None,
        patience: float = 10.0,
    ) -> None:
        self.access = access
        self.transport = Transport(
            access, user_agent=user_agent, writes=writes, observe=observe, patience=patience
        )
        self._manager = user_agent.partition("/")[0]

    async def open(self) -> None:
        """Connect and ask for the server's version, which also tells its time.

        Raises:
            ApiForbidden, ApiUnavailable
        """
        await self.transport.open()
        try:
            await self.raw("/version")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Hang up everything; harmless twice."""
        await self.transport.close()

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return an object, at least as new as any write that has returned (a quorum read).

        Raises:
            ApiNotFound, ApiForbidden, ApiUnavailable
        """
        request = Request("get", resource.plural, "GET", resource.path(namespace, name))
        return _object(await self.transport.call(request))

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        page: int = 500,
        metadata_only: bool = False,
    ) -> AsyncIterator[Object]:
        """Yield every object, in pages. An expired page token begins anew, without repeating what was yielded."""
        params = {**selection(labels, fields), "limit": str(page)}
        headers = {"Accept": METADATA_OF_MANY} if metadata_only else {}
        request = Request("list", resource.plural, "GET", resource.path(namespace), params, headers=headers)
        return every(self.transport, request)

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Create an object and return it as stored.

        Raises:
            AlreadyExists: perhaps it is our own, if the error is `unclear`: compare.
            ApiInvalid, ApiForbidden, ApiUnavailable
        """
        named = bool(body["metadata"].get("name"))
        request = self._write("create", resource, "POST", resource.path(namespace), body, repeatable=named)
        return _object(await self.transport.call(request))

    async def patch(  # noqa: PLR0913
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        patch: Object | Sequence[Object],
        *,
        kind: PatchKind = "merge",
        subresource: str | None = None,
        resource_version: str | None = None,
        metadata_only: bool = False,
        force: bool = False,
    ) -> Object:
        """Patch an object and return it as stored (with `metadata_only` its metadata alone, which is cheaper).

        Args:
            resource_version: the patch applies to that version alone, or raises ApiConflict (merge patches only).
            force: for `apply`: take over fields that others manage.

        Raises:
            ApiNotFound, ApiConflict, ApiInvalid, ApiForbidden, ApiUnavailable
        """
        if resource_version is not None:
            patch = _preconditioned(patch, resource_version)
        headers = {"Content-Type": PATCH_TYPES[kind]}
        if metadata_only:
            headers["Accept"] = METADATA_OF_ONE
        request = self._write(
            "apply" if kind == "apply" else "patch",
            resource,
            "PATCH",
            resource.path(namespace, name, subresource),
            patch,
            # A merge or an apply twice is as good as once; a JSON patch may add to a list.
            repeatable=kind != "json",
            headers=headers,
            params={"force": "true"} if force else {},
        )
        return _object(await self.transport.call(request))

    async def replace(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> Object:
        """Put an object, with the resourceVersion in its metadata as precondition.

        Raises:
            ApiNotFound, ApiConflict, ApiInvalid, ApiForbidden, ApiUnavailable
        """
        path = resource.path(namespace, body["metadata"]["name"], subresource)
        return _object(await self.transport.call(self._write("update", resource, "PUT", path, body)))

    async def delete(  # noqa: PLR0913
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_seconds: int | None = None,
        propagation: Propagation | None = None,
    ) -> bool:
        """Delete an object. False if there is none; ApiConflict if a precondition does not hold.

        True says that the server took the order: finalizers and graceful pods take their time.

        Raises:
            ApiConflict, ApiForbidden, ApiUnavailable
        """
        preconditions = _present(uid=uid, resourceVersion=resource_version)
        options = _present(gracePeriodSeconds=grace_seconds, propagationPolicy=propagation)
        if preconditions:
            options["preconditions"] = preconditions
        try:
            await self.transport.call(
                self._write("delete", resource, "DELETE", resource.path(namespace, name), options)
            )
        except ApiNotFound:
            return False
        return True

    async def delete_all(
        self, resource: Resource, namespace: str, *, labels: str, propagation: Propagation | None = None
    ) -> None:
        """Delete a collection.

        Raises:
            ApiForbidden, ApiUnavailable
        """
        params = selection(labels, None)
        options = _present(propagationPolicy=propagation)
        await self.transport.call(
            self._write(
                "deletecollection", resource, "DELETE", resource.path(namespace), options, params=params
            )
        )

    async def exec(
        self, pod: str, namespace: str, container: str, argv: Sequence[str], *, stdin: bool = True
    ) -> ExecStream:
        """Start a program in a container, and return its streams once it is connected.

        Raises:
            ApiNotFound: there is no such pod or container, or it does not run. Some of that is known only after the
                connection: then the stream ends at once, without a code and with a message.
            ApiForbidden, ApiUnavailable
        """
        params = [("container", container), ("stdout", "true"), ("stderr", "true")]
        params += [("stdin", "true")] if stdin else []
        params += [("command", word) for word in argv]
        path = PODS.path(namespace, pod, "exec")
        request = Request("exec", PODS.plural, "GET", path, params)
        try:
            return ExecStream(await self.transport.websocket(request, PROTOCOLS))
        except (ApiInvalid, ApiNotFound) as error:
            # A refused handshake comes without its words, so these are ours.
            message = f"there is no container {container} that runs in pod {pod} of {namespace}"
            raise ApiNotFound(error.status, error.reason, message) from error

    async def log(
        self,
        pod: str,
        namespace: str,
        container: str,
        *,
        follow: bool = False,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield what a container printed, in pieces as they come. `params` are the API's, such as tailLines.

        Raises:
            ApiNotFound, ApiInvalid (it does not run yet), ApiForbidden, ApiUnavailable (also in the middle)
        """
        asked = {"container": container, **({"follow": "true"} if follow else {}), **(params or {})}
        request = Request("log", PODS.plural, "GET", PODS.path(namespace, pod, "log"), asked)
        async with self.transport.answer(request, silence=None) as response:
            async for piece in response.content.iter_any():
                yield piece

    async def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        """GET a path as it is, such as /metrics or /version."""
        return await self.transport.call(Request("get", path, "GET", path, headers={"Accept": accept}))

    def now(self) -> datetime:
        """Return the time in UTC by the API server's clock (from its Date headers); it never goes back.

        It is never ahead of the server's, and behind it by at most a second and what the fastest of the last
        minute's answers took.
        """
        return self.transport.clock.now()

    def _write(  # noqa: PLR0913
        self,
        verb: str,
        resource: Resource,
        method: str,
        path: str,
        body: object,
        *,
        repeatable: bool = True,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Request:
        managed = {} if method == "DELETE" else {"fieldManager": self._manager}
        return Request(
            verb,
            resource.plural,
            method,
            path,
            {**managed, **(params or {})},
            msgspec.json.encode(body),
            {"Content-Type": "application/json", **(headers or {})},
            repeatable,
        )


def selection(labels: str | None, fields: str | None) -> dict[str, str]:
    """Return the parameters of a selection."""
    return _present(labelSelector=labels, fieldSelector=fields)


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _preconditioned(patch: Object | Sequence[Object], resource_version: str) -> Object:
    if not isinstance(patch, dict):
        raise TypeError("a JSON patch tests a version by an operation of its own")
    metadata = {**patch.get("metadata", {}), "resourceVersion": resource_version}
    return {**patch, "metadata": metadata}
