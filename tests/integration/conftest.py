from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    with Cli(tmp_path) as cli:
        yield cli
