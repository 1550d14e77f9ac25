"""What the API server refuses, by what can be done about it."""

import msgspec

from wfe.errors import Permanent, Retryable, WfeError


class AccessUnclear(Permanent):
    """There is no kubeconfig and no service account, or they do not say enough."""


class ApiError(WfeError):
    """An answer that is no success: `status` is HTTP's (0: there was none), `reason` and `message` Kubernetes' own.

    `unclear`: this try or an earlier one of the same call may have happened although nobody confirmed it. After an
    unclear create AlreadyExists may mean our own object, and after an unclear patch ApiConflict our own change: the
    caller compares.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        *,
        unclear: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.unclear = unclear


class ApiNotFound(ApiError, Permanent):
    """404: there is no such object, or no such kind."""


class AlreadyExists(ApiError, Permanent):
    """409 on create: there is an object of that name."""


class ApiConflict(ApiError, Retryable):
    """409: the object changed, or a precondition (uid, resourceVersion) does not hold."""


class ApiGone(ApiError, Retryable):
    """410: the resourceVersion or the continue token is too old; list again."""


class ApiInvalid(ApiError, Permanent):
    """400 or 422, and what else is the caller's fault: the object breaks the schema, a rule, or a policy's."""


class ApiForbidden(ApiError, Permanent):
    """401 or 403: no right to do it, a quota is used up, or Pod Security refuses."""

    @property
    def is_about_quota(self) -> bool:
        """Whether others may make room: a quota is used up, and is no rule that can never be kept."""
        return "exceeded quota" in self.message

    @property
    def is_about_end(self) -> bool:
        """Whether the namespace is being deleted: nothing can be made in it any more, and all of it goes."""
        return "because it is being terminated" in self.message


class ApiUnavailable(ApiError, Retryable):
    """429 and 5xx after the client's own tries, and connections that fail; see `unclear`."""


class Status(msgspec.Struct, frozen=True):
    """Kubernetes' own words for an answer that is no object."""

    code: int = 0
    reason: str = ""
    message: str = ""


def error_from(status: int, body: bytes, retry_after: float | None = None) -> ApiError:
    """Return the error for an answer of HTTP."""
    said = _status_in(body)
    return error_of(Status(status, said.reason, said.message or f"HTTP status {status}"), retry_after)


def error_of(said: Status, retry_after: float | None = None) -> ApiError:
    """Return the error for a Status, as it comes in an answer or in the middle of a watch."""
    kind = _kind(said.code, said.reason)
    # A 5xx may come from a proxy, or after etcd took the write: only 429 says that nothing was done.
    return kind(said.code, said.reason, said.message, retry_after, unclear=said.code >= 500)


def _kind(code: int, reason: str) -> type[ApiError]:
    if code == 409:
        return AlreadyExists if reason == "AlreadyExists" else ApiConflict
    if code in (408, 429) or code >= 500:
        return ApiUnavailable
    return {401: ApiForbidden, 403: ApiForbidden, 404: ApiNotFound, 410: ApiGone}.get(code, ApiInvalid)


def _status_in(body: bytes) -> Status:
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A proxy's page, or plain text: its beginning says enough.
        return Status(message=body[:300].decode(errors="replace").strip())
