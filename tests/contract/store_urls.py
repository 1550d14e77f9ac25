"""Where the contract suites find each provider. A scheme without a line here fails until it has one."""

from pathlib import Path

from tests.contract.api_server import url_of_api_server
from wfe.providers import SCHEMES

URLS = {
    "kubernetes": "{api_server}",
    "memory": "memory:",
    "sqlite": "sqlite:{directory}/store.db",
}
WITHOUT_STORE: frozenset[str] = frozenset()
WITHOUT_LEASES: frozenset[str] = frozenset()
WITHOUT_QUEUE = frozenset({"kubernetes"})
WITH_STORE = sorted(SCHEMES.keys() - WITHOUT_STORE)
WITH_LEASES = sorted(SCHEMES.keys() - WITHOUT_LEASES)
WITH_QUEUE = sorted(SCHEMES.keys() - WITHOUT_QUEUE)
DURABLE = [scheme for scheme in WITH_STORE if scheme != "memory"]


def url_of(scheme: str, directory: Path) -> str:
    """Return the URL of an empty place for one test."""
    assert scheme in URLS, f"give the URL for tests of `{scheme}:` in {Path(__file__).name}"
    api_server = url_of_api_server(directory) if scheme == "kubernetes" else ""
    return URLS[scheme].format(directory=directory, api_server=api_server)
