"""Workers whose leases and queue are on a server that fails them: it costs time, and no step is lost or doubled."""

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.integration.cli import Cli
from tests.integration.servers import OwnServer
from tests.integration.test_worker import NAMES, ONCE, Shop
from tests.integration.valkey.provider import tell

pytestmark = pytest.mark.integration
# Workers that were told nothing look through the store about every half a minute.
PATIENCE = 100
AWAY = 2.5  # longer than leases and claims last, in seconds


def emptied(server: OwnServer) -> None:
    asyncio.run(tell(server, "FLUSHALL"))


def killed(server: OwnServer) -> None:
    server.kill()
    time.sleep(AWAY)
    server.start()


def paused(server: OwnServer) -> None:
    server.pause()
    time.sleep(AWAY)
    server.resume()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("trouble", [emptied, killed, paused])
def test_what_happens_to_the_server_loses_no_step_and_doubles_none(
    cli: Cli, a_valkey: OwnServer, trouble: Callable[[OwnServer], None]
) -> None:
    shop = Shop(cli, elsewhere=f"{a_valkey.url}?timeout=1")
    shop.submit(*NAMES)
    workers = [shop.worker("--capacity", "4") for _ in range(2)]
    cli.until(lambda: shop.done() == dict.fromkeys(NAMES, ONCE[:2]))
    trouble(a_valkey)
    (cli.directory / "go").touch()
    end = time.monotonic() + PATIENCE
    while shop.statuses() != dict.fromkeys(NAMES, "Complete"):
        assert time.monotonic() < end, shop.statuses()
        assert [worker.poll() for worker in workers] == [None, None], "a worker gave up"
        time.sleep(0.2)
    assert shop.done() == dict.fromkeys(NAMES, ONCE)
