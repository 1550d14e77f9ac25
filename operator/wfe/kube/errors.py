"""What the API server refuses, by what can be done about it."""

from wfe.errors import Permanent, Retryable, WfeError


class ApiError(WfeError):
    """An answer that is no success: `status` is HTTP's, `reason` and `message` are Kubernetes' own."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class ApiNotFound(ApiError, Permanent):
    """404: there is no such object, or no such kind."""


class AlreadyExists(ApiError, Permanent):
    """409 on create: there is an object of that name."""


class ApiConflict(ApiError, Retryable):
    """409: the object changed, or a precondition (uid, resourceVersion) does not hold."""


class ApiGone(ApiError, Retryable):
    """410: the resourceVersion or the continue token is too old; list again."""


class ApiInvalid(ApiError, Permanent):
    """400 or 422: the object breaks the schema, a rule, or an admission policy's."""


class ApiForbidden(ApiError, Permanent):
    """401 or 403: no right to do it, a quota is used up, or Pod Security refuses."""


class ApiUnavailable(ApiError, Retryable):
    """429 and 5xx after the client's own tries, and connections that fail; the call may have happened."""
