"""`wfe shards --url`: the replicas whose leases a server keeps."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from tests.integration.servers import OwnServer
from tests.integration.valkey.provider import CLOCK, TTL, opened
from wfe.hosts.cli import main
from wfe.hosts.kubernetes.shards import SHARDS

pytestmark = pytest.mark.integration


async def hold(url: str, *names: str) -> None:
    async with opened(url) as provider:
        for number, name in enumerate(names):
            assert await provider.leases(name, now=CLOCK.now).acquire(f"operator/{number}", TTL) is not None


def test_the_replicas_are_those_that_hold_a_lease_on_the_server(a_valkey: OwnServer) -> None:
    asyncio.run(hold(a_valkey.url, "a", "b"))

    result = CliRunner().invoke(main, ["shards", "--url", a_valkey.url, "-o", "json"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(one["name"], one["lease"]) for one in found] == [("a", "operator/0"), ("b", "operator/1")]
    assert sum(one["shards"] for one in found) == SHARDS
    assert [one["renewedSecondsAgo"] for one in found] == [None, None]
