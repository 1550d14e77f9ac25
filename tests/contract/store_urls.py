"""Where the contract suites find each provider. A scheme without a line here fails until it has one."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import pytest
from _pytest.mark import ParameterSet

from tests.contract.api_server import url_of_api_server
from tests.contract.opensearch_prefix import drop, url_of_opensearch
from tests.contract.postgres_schema import PostgresTime, url_of_postgres
from tests.contract.valkey_prefix import ServerTime, url_of_valkey
from wfe.ports.provider import Provider
from wfe.providers import SCHEMES, find
from wfe.testing.hand import Hand, PassingTime

URLS: Final[Mapping[str, Callable[[Path], str]]] = {
    "files": lambda directory: f"files:{directory}/logs",
    "http": url_of_opensearch,
    "kubernetes": url_of_api_server,
    "memory": lambda _: "memory:",
    "postgres": url_of_postgres,
    "redis": url_of_valkey,
    "sqlite": lambda directory: f"sqlite:{directory}/store.db",
}
ALIASES: Final = frozenset({"https", "postgresql", "rediss", "valkey"})
# What a technology does not have: the suite of everything else runs on it.
LACKS: Final[Mapping[str, frozenset[str]]] = {
    "files": frozenset({"store", "leases", "queue", "search", "mirror"}),
    "http": frozenset({"store", "leases", "queue", "mirror"}),
    "kubernetes": frozenset({"queue", "search", "logs", "mirror"}),
    "postgres": frozenset({"search", "logs"}),
    "redis": frozenset({"store", "search", "logs", "mirror"}),
    "sqlite": frozenset({"mirror"}),
}
NEED_A_SERVER: Final = frozenset({"http", "postgres", "redis"})


def schemes(part: str, *, without: frozenset[str] = frozenset()) -> list[ParameterSet]:
    """Return the schemes whose provider has that part, for the suite of it."""
    return [
        pytest.param(scheme, id=scheme, marks=[pytest.mark.integration] if scheme in NEED_A_SERVER else [])
        for scheme in sorted(SCHEMES.keys() - ALIASES - without)
        if part not in LACKS.get(scheme, ())
    ]


MEMORY: Final = frozenset({"memory"})
WITH_STORE = schemes("store")
WITH_LEASES = schemes("leases")
WITH_QUEUE = schemes("queue")
WITH_QUEUE_OF_PROCESSES = schemes("queue", without=MEMORY)
WITH_SEARCH = schemes("search")
WITH_LOGS = schemes("logs")
WITH_MIRROR = schemes("mirror")
DURABLE = schemes("store", without=MEMORY)
DURABLE_LOGS = schemes("logs", without=MEMORY)


def url_of(scheme: str, directory: Path) -> str:
    """Return the URL of an empty place for one test."""
    assert scheme in URLS, f"give the URL for tests of `{scheme}:` in {Path(__file__).name}"
    return URLS[scheme](directory)


def time_of(url: str) -> PassingTime:
    """Return the time by which the provider of that URL judges."""
    match url.partition(":")[0]:
        case "postgres":
            return PostgresTime(url)
        case "redis":
            return ServerTime(url)
        case _:
            return Hand()


Opened = Callable[[], AbstractAsyncContextManager[Provider]]


@contextmanager
def openers(scheme: str, directory: Path) -> Iterator[Opened]:
    """Yield what opens a provider on the same empty place, at every call another one if there can be several."""
    url = url_of(scheme, directory)
    shared = find(url)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Provider]:
        provider = shared if scheme == "memory" else find(url)
        await provider.open()
        try:
            yield provider
        finally:
            await provider.close()

    try:
        yield opened
    finally:
        if scheme == "http":
            drop(url)
