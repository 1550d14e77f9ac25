"""A client of the API server over one pool of connections."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from wfe.kube.access import Access
from wfe.kube.resource import Resource
from wfe.kube.stream import ExecStream

Object = dict[str, Any]
PatchKind = Literal["merge", "json", "apply"]


class Client:
    """Calls with plain JSON objects. Connection errors, 429 and 5xx are tried again for a while, with jitter; a
    create or delete that may have happened is told by what the next try finds. At most `writes` writes at a time.

    Args:
        access: where and as whom.
        user_agent: also the field manager.
        observe: called with (verb, resource plural, HTTP status, seconds) after each request, for metrics.
    """

    def __init__(
        self,
        access: Access,
        *,
        user_agent: str = "wfe",
        writes: int = 64,
        observe: Callable[[str, str, int, float], None] | None = None,
    ) -> None:
        raise NotImplementedError

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return an object, at least as new as any write that has returned (a quorum read).

        Raises:
            ApiNotFound, ApiForbidden, ApiUnavailable
        """
        raise NotImplementedError

    def list(  # noqa: PLR0913
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
        raise NotImplementedError

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Create an object and return it as stored.

        Raises:
            AlreadyExists, ApiInvalid, ApiForbidden, ApiUnavailable
        """
        raise NotImplementedError

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
        raise NotImplementedError

    async def replace(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> Object:
        """Put an object, with the resourceVersion in its metadata as precondition."""
        raise NotImplementedError

    async def delete(  # noqa: PLR0913
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_seconds: int | None = None,
        propagation: Literal["Background", "Foreground", "Orphan"] | None = None,
    ) -> bool:
        """Delete an object. False if there is none; ApiConflict if a precondition does not hold."""
        raise NotImplementedError

    async def delete_all(
        self, resource: Resource, namespace: str, *, labels: str, propagation: str | None = None
    ) -> None:
        """Delete a collection."""
        raise NotImplementedError

    async def exec(
        self, pod: str, namespace: str, container: str, argv: Sequence[str], *, stdin: bool = True
    ) -> ExecStream:
        """Start a program in a container, and return its streams once it is connected.

        Raises:
            ApiNotFound: there is no such pod or container, or it does not run.
            ApiForbidden, ApiUnavailable
        """
        raise NotImplementedError

    def log(
        self,
        pod: str,
        namespace: str,
        container: str,
        *,
        follow: bool = False,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield what a container printed, in pieces as they come."""
        raise NotImplementedError

    async def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        """GET a path as it is, such as /metrics or /version."""
        raise NotImplementedError

    def now(self) -> datetime:
        """Return the time in UTC by the API server's clock (from its Date headers); it never goes back."""
        raise NotImplementedError
