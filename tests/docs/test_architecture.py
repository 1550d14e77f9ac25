"""The map from idea to file leads to files."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

DOCUMENTS = [ROOT / "docs" / "architecture.md", *sorted((ROOT / "docs" / "adr").glob("*.md"))]


def _exists(path: str) -> bool:
    base = ROOT if path.startswith(("hack/", "tests/", "docs/", "examples/")) else ROOT / "operator" / "wfe"
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(base.glob(pattern))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_in_it_exists(document: Path) -> None:
    paths = re.findall(r"`([\w/<>.-]+/[\w/<>.-]*|[\w/<>-]+\.py)[` ]", document.read_text("utf-8"))
    # A first part with dots is a domain: the prefix of a label.
    paths = [path for path in paths if "." not in path.partition("/")[0]]
    missing = [path for path in paths if not _exists(path)]
    assert not missing
