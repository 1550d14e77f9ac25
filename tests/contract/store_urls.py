"""Where the contract suites find each provider. A scheme without a line here fails until it has one."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest
from _pytest.mark import ParameterSet

from tests.contract.api_server import url_of_api_server
from tests.contract.valkey_prefix import ServerTime, url_of_valkey
from wfe.providers import SCHEMES
from wfe.testing.hand import Hand, PassingTime

URLS: Final[Mapping[str, Callable[[Path], str]]] = {
    "kubernetes": url_of_api_server,
    "memory": lambda _: "memory:",
    "redis": url_of_valkey,
    "sqlite": lambda directory: f"sqlite:{directory}/store.db",
}
ALIASES: Final = frozenset({"rediss", "valkey"})
WITHOUT_STORE: Final = frozenset({"redis"})
WITHOUT_LEASES: Final[frozenset[str]] = frozenset()
WITHOUT_QUEUE: Final = frozenset({"kubernetes"})
NEED_A_SERVER: Final = frozenset({"redis"})


def schemes(without: Iterable[str]) -> list[ParameterSet]:
    """Return the schemes that a suite runs on."""
    return [
        pytest.param(scheme, id=scheme, marks=[pytest.mark.integration] if scheme in NEED_A_SERVER else [])
        for scheme in sorted(SCHEMES.keys() - ALIASES - set(without))
    ]


WITH_STORE = schemes(WITHOUT_STORE)
WITH_LEASES = schemes(WITHOUT_LEASES)
WITH_QUEUE = schemes(WITHOUT_QUEUE)
WITH_QUEUE_OF_PROCESSES = schemes(WITHOUT_QUEUE | {"memory"})
DURABLE = schemes(WITHOUT_STORE | {"memory"})


def url_of(scheme: str, directory: Path) -> str:
    """Return the URL of an empty place for one test."""
    assert scheme in URLS, f"give the URL for tests of `{scheme}:` in {Path(__file__).name}"
    return URLS[scheme](directory)


def time_of(url: str) -> PassingTime:
    """Return the time by which the provider of that URL judges."""
    return ServerTime(url) if url.startswith("redis") else Hand()
