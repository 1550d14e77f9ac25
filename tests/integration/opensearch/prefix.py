"""A prefix of a test's own on a server, and what lies under it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.opensearch_prefix import ask, drop


@contextmanager
def a_prefix(server: str, name: str, options: str = "") -> Iterator[str]:
    """Yield the URL of a prefix that is empty before and after."""
    url = f"{server}?prefix=it-{name}-&refresh=50ms{options}"
    drop(url)
    try:
        yield url
    finally:
        drop(url)


def count(server: str, pattern: str) -> int:
    """Return how many documents there are, whatever they are."""
    ask(server, "POST", f"/{pattern}/_refresh")
    return int(ask(server, "GET", f"/{pattern}/_count")["count"])


def indices(server: str, pattern: str) -> list[str]:
    """Return the names of indices."""
    return sorted(one["index"] for one in ask(server, "GET", f"/_cat/indices/{pattern}?format=json&h=index"))
