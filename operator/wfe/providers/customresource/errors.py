"""What the API server refuses, in the words of the store."""

from collections.abc import Iterator
from contextlib import contextmanager

from wfe.errors import NotFound, Permanent, StoreUnavailable
from wfe.kube import ApiError, ApiForbidden, ApiInvalid


class StoreRefused(Permanent):
    """The API server will not take it: a schema, a rule or a size is against it."""


class ObjectGone(NotFound):
    """The object that asked for an instance was deleted; one of its name asks for another instance."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Say what was being done, and whether doing it again can help. A missing right can be given meanwhile."""
    try:
        yield
    except ApiInvalid as error:
        raise StoreRefused(f"the API server refuses {what}: {error.message}") from error
    except ApiForbidden as error:
        raise StoreUnavailable(f"the API server forbids {what}: {error.message}") from error
    except ApiError as error:
        raise StoreUnavailable(f"{what} did not succeed: {error.message}") from error
