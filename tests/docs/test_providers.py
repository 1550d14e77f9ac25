"""The table of providers says of each scheme what it brings, and of no other."""

import re

import pytest

from tests.contract.store_urls import LACKS
from tests.docs.blocks import ROOT
from wfe.providers import SCHEMES

PARTS = ("store", "leases", "queue", "search", "logs", "mirror")
TEXT = (ROOT / "docs/providers.md").read_text("utf-8")


def rows() -> dict[str, list[bool]]:
    """Return for each scheme of the table whether it has each part."""
    found = {}
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(PARTS) + 2:
            for scheme in re.findall(r"`(\w+):", cells[0]):
                found[scheme] = [cell == "✓" for cell in cells[1:-1]]
    return found


def test_every_scheme_is_in_the_table() -> None:
    assert rows().keys() == SCHEMES.keys()


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_the_table_says_what_it_brings(scheme: str) -> None:
    same = [other for other in LACKS if SCHEMES[other] == SCHEMES[scheme]]
    lacks = LACKS[same[0]] if same else frozenset()
    assert rows()[scheme] == [part not in lacks for part in PARTS]
