"""Every mirror keeps the promises of its port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_urls import WITH_MIRROR, url_of
from wfe.ports.mirror import Mirror
from wfe.providers import find
from wfe.testing.mirror_contract import MakeMirror, MirrorContract


@pytest.fixture(params=WITH_MIRROR)
def make_mirror(request: pytest.FixtureRequest, tmp_path: Path) -> MakeMirror:
    url = url_of(request.param, tmp_path)
    shared = find(url)

    @asynccontextmanager
    async def make() -> AsyncIterator[Mirror]:
        mirror = (shared if request.param == "memory" else find(url)).mirror
        assert mirror
        await mirror.open()
        try:
            yield mirror
        finally:
            await mirror.close()

    return make


class TestMirror(MirrorContract): ...
