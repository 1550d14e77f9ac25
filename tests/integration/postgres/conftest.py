from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.postgres_schema import url_of_postgres
from tests.integration.servers import a_postgres
from wfe import providers
from wfe.providers.postgres import PostgresProvider

__all__ = ["a_postgres"]

Opened = Callable[[], AbstractAsyncContextManager[PostgresProvider]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a schema of the test's own, on the server that all share."""
    return url_of_postgres(tmp_path)


@pytest.fixture
def opened(url: str) -> Opened:
    """Open the schema of the test once more, as if in another process."""

    @asynccontextmanager
    async def open_it() -> AsyncIterator[PostgresProvider]:
        provider = providers.find(url)
        assert isinstance(provider, PostgresProvider)
        await provider.open()
        try:
            yield provider
        finally:
            await provider.close()

    return open_it
