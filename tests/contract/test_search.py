"""Every provider of search keeps the promises of the port."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import WITH_SEARCH, openers
from wfe.ports.search import Search
from wfe.testing.search_contract import MakeSearch, SearchContract


@pytest.fixture(params=WITH_SEARCH)
def make_search(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeSearch]:
    with openers(request.param, tmp_path) as opened:

        @asynccontextmanager
        async def make() -> AsyncIterator[Search]:
            async with opened() as provider:
                assert provider.search
                yield provider.search

        yield make


class TestSearch(SearchContract): ...
