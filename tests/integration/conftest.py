"""What the integration tests share: the command line, and the fixtures of real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli
from tests.integration.servers import (
    a_postgres,
    a_valkey,
    an_opensearch,
    opensearch_url,
    postgres_url,
    valkey_url,
)

__all__ = ["a_postgres", "a_valkey", "an_opensearch", "opensearch_url", "postgres_url", "valkey_url"]


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    with Cli(tmp_path) as cli:
        yield cli
