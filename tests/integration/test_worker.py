"""Several `wfe worker` processes on one store: killed, stopped, in one place and in several."""

import asyncio
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.contract.postgres_schema import url_of_postgres
from tests.contract.valkey_prefix import url_of_valkey
from tests.integration.cli import Cli, end
from wfe import WorkflowHost, load_workflow

T = TypeVar("T")

# What a step does stands in a file of its instance, and every second step waits for somebody to make the file `go`.
FLOW = """
workflow:
  id: shared
  version: 1
  inputs: {me: string}
  steps:
    - name: first
      config: {run: 'echo first >> "$ME"'}
    - name: second
      config: {run: 'echo second >> "$ME"; until test -e go; do sleep 0.05; done'}
    - name: third
      config: {run: 'echo third >> "$ME"'}
"""
NAMES = [f"n{number}" for number in range(6)]


class Shop:
    """Workers of one store, and what they have done.

    Args:
        store: its URL; by default a SQLite file.
        elsewhere: URL of the queue and of the leases, if they are not in the store.
    """

    def __init__(self, cli: Cli, store: str = "", elsewhere: str | None = None) -> None:
        self.cli = cli
        self.store = store or f"sqlite:{cli.directory}/shared.db"
        self._elsewhere = elsewhere
        self._file = cli.directory / cli.write(FLOW)

    def worker(self, *options: str) -> "subprocess.Popen[str]":
        elsewhere = ["--queue", self._elsewhere, "--locks", self._elsewhere] if self._elsewhere else []
        return self.cli.start("worker", "--store", self.store, "--ttl", "1s", *elsewhere, *options)

    def submit(self, *names: str) -> None:
        """Do what `wfe run --detach` does, for several at once."""

        async def submit(host: WorkflowHost) -> None:
            for name in names:
                await host.submit(load_workflow(self._file), {"me": name}, name=name)

        asyncio.run(self._in_a_host(submit))

    def statuses(self) -> dict[str, str]:
        return asyncio.run(self._in_a_host(_statuses))

    def done(self) -> dict[str, list[str]]:
        return {name: self.cli.lines(name) for name in NAMES if self.cli.lines(name)}

    async def _in_a_host(self, ask: Callable[[WorkflowHost], Awaitable[T]]) -> T:
        state = self.cli.directory / "asking"
        host = WorkflowHost(self.store, queue=self._elsewhere, state=state, recover=False)
        try:
            await host.start_host()
            return await ask(host)
        finally:
            await host.stop()


async def _statuses(host: WorkflowHost) -> dict[str, str]:
    return {one.name: one.status.value for one in await host.list()}


ONCE = ["first", "second", "third"]


@pytest.fixture
def shop(cli: Cli) -> Shop:
    return Shop(cli)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.integration),
        pytest.param("postgres-and-valkey", marks=pytest.mark.integration),
    ]
)
def any_shop(request: pytest.FixtureRequest, cli: Cli, tmp_path: Path) -> Shop:
    """Workers on a store for one machine, or on servers that several share."""
    if request.param == "sqlite":
        return Shop(cli)
    return Shop(
        cli, url_of_postgres(tmp_path), url_of_valkey(tmp_path) if request.param.endswith("valkey") else None
    )


def _complete(shop: Shop, *names: str) -> bool:
    return shop.statuses() == dict.fromkeys(names, "Complete")


def test_what_was_submitted_waits_for_a_worker_and_is_worked_on(shop: Shop) -> None:
    shop.cli("run", "-d", "w.yaml", "--name", "n0", "-i", "me=n0", "--store", shop.store)
    assert shop.cli.json("list", "--store", shop.store)[0]["status"] == "Pending"
    (shop.cli.directory / "go").touch()
    shop.worker()
    shop.cli.until(lambda: _complete(shop, "n0"))
    assert shop.done() == {"n0": ONCE}


def test_a_killed_worker_loses_nothing_and_repeats_nothing_where_another_shares_its_place(
    any_shop: Shop,
) -> None:
    shop = any_shop
    one = shop.worker("--capacity", "3")
    shop.submit(*NAMES[:3])
    shop.cli.until(lambda: len(shop.done()) == 3)
    shop.worker()
    end(one)
    shop.submit(*NAMES[3:])
    (shop.cli.directory / "go").touch()
    shop.cli.until(lambda: _complete(shop, *NAMES))
    assert shop.done() == dict.fromkeys(NAMES, ONCE)


def test_a_worker_that_comes_back_in_time_tells_the_one_that_took_over(shop: Shop, tmp_path: Path) -> None:
    place = ("--state", str(tmp_path / "place"))
    one = shop.worker(*place)
    shop.submit("n0")
    shop.cli.until(lambda: shop.cli.lines("n0") == ["first", "second"])
    end(one)
    other = shop.worker("--lost-after", "1h", "--state", str(tmp_path / "elsewhere"))
    assert other.stdout
    while "took instance" not in other.stdout.readline():
        assert other.poll() is None
    (shop.cli.directory / "go").touch()
    shop.worker(*place)
    shop.cli.until(lambda: _complete(shop, "n0"))
    assert shop.done() == {"n0": ONCE}


def test_what_nobody_comes_back_for_is_tried_again_elsewhere(shop: Shop, tmp_path: Path) -> None:
    one = shop.worker("--state", str(tmp_path / "place"))
    shop.submit("n0")
    shop.cli.until(lambda: shop.cli.lines("n0") == ["first", "second"])
    end(one)
    shop.worker("--lost-after", "100ms", "--state", str(tmp_path / "elsewhere"))
    shop.cli.until(lambda: len(shop.cli.lines("n0")) == 3)
    (shop.cli.directory / "go").touch()
    shop.cli.until(lambda: _complete(shop, "n0"))
    assert shop.done() == {"n0": ["first", "second", "second", "third"]}


def test_a_stopped_worker_hands_over_at_once_and_ends_well(shop: Shop) -> None:
    one = shop.worker()
    shop.submit("n0")
    shop.cli.until(lambda: shop.cli.lines("n0") == ["first", "second"])
    code, said = end(one, signal.SIGTERM)
    assert (code, "what is unfinished goes to other workers" in said) == (0, True)
    shop.worker()
    (shop.cli.directory / "go").touch()
    shop.cli.until(lambda: _complete(shop, "n0"))
    assert shop.done() == {"n0": ONCE}
