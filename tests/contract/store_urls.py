"""Where the contract suites find each provider. A scheme without a line here fails until it has one."""

from pathlib import Path

from wfe.providers import SCHEMES

URLS = {
    "memory": "memory:",
    "sqlite": "sqlite:{directory}/store.db",
}
WITHOUT_STORE: frozenset[str] = frozenset()
WITHOUT_LEASES: frozenset[str] = frozenset()
WITH_STORE = sorted(SCHEMES.keys() - WITHOUT_STORE)
WITH_LEASES = sorted(SCHEMES.keys() - WITHOUT_LEASES)
DURABLE = [scheme for scheme in WITH_STORE if scheme != "memory"]


def url_of(scheme: str, directory: Path) -> str:
    """Return the URL of an empty place for one test."""
    assert scheme in URLS, f"give the URL for tests of `{scheme}:` in {Path(__file__).name}"
    return URLS[scheme].format(directory=directory)
