"""Real servers for tests: those that all share, and one of a test's own to kill, stop, pause and start again.

The shared ones are at the URLs of `hack/testbed servers env`, which `hack/test` brings up; a test keeps apart from
the others by a schema or a prefix of its own. Without them, tests that need them are skipped, and say how to have
them; with CI=true they fail instead.

    def test_something(postgres_url: str) -> None: ...

    async def test_it_survives(a_postgres: OwnServer) -> None:
        a_postgres.kill()                              # at once, and everything of it
        await asyncio.to_thread(a_postgres.start)      # a second; its data and its URL are the same

A directory of tests has these fixtures when its conftest.py imports them.
"""

import os
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

from tests.integration.own_server import Name, NoServer, OwnServer, own_server

__all__ = [
    "OwnServer",
    "a_postgres",
    "a_valkey",
    "an_opensearch",
    "opensearch_url",
    "postgres_url",
    "url_of",
    "valkey_url",
]
HOW = 'hack/testbed servers up (or docker compose up -d --wait), and eval "$(hack/testbed servers env)"'


def url_of(name: Name) -> str:
    """Return the URL of the shared server of that name; without one, the test is left out, or fails in CI."""
    url = os.environ.get(f"WFE_TEST_{name.upper()}", "")
    if not url:
        unavailable(f"needs {name}: {HOW}")
    if why := _unreachable(url):
        unavailable(f"needs {name}, and nobody answers at its URL ({why}): {HOW}")
    return url


def unavailable(why: str) -> NoReturn:
    """Leave the test out, or fail it where every test is required."""
    if os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@cache
def _unreachable(url: str) -> str:
    place = urlsplit(url)
    try:
        socket.create_connection((place.hostname or "", place.port or 0), timeout=5).close()
    except OSError as error:
        return str(error)
    return ""


@pytest.fixture
def postgres_url() -> str:
    """The shared PostgreSQL: `postgres://wfe:wfe@127.0.0.1:5433/wfe`."""
    return url_of("postgres")


@pytest.fixture
def valkey_url() -> str:
    """The shared Valkey, or Redis: `redis://127.0.0.1:6379`."""
    return url_of("valkey")


@pytest.fixture
def opensearch_url() -> str:
    """The shared OpenSearch: `http://127.0.0.1:9200`."""
    return url_of("opensearch")


@pytest.fixture
def a_postgres(tmp_path: Path) -> Iterator[OwnServer]:
    """A PostgreSQL of the test's own, with fsync; it is there in two seconds, and after a kill in less."""
    yield from _own("postgres", tmp_path)


@pytest.fixture
def a_valkey(tmp_path: Path) -> Iterator[OwnServer]:
    """A Valkey of the test's own, with an append-only file that is synced each second."""
    yield from _own("valkey", tmp_path)


@pytest.fixture
def an_opensearch(tmp_path: Path) -> Iterator[OwnServer]:
    """An OpenSearch of the test's own; each start takes six seconds on an idle machine, and half a GiB of memory."""
    yield from _own("opensearch", tmp_path)


def _own(name: Name, directory: Path) -> Iterator[OwnServer]:
    try:
        with own_server(name, directory / f"{name}.log") as server:
            yield server
    except NoServer as error:
        unavailable(str(error))
