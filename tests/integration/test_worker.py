"""Several `wfe worker` processes on one store: killed, stopped, in one place and in several."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli import Cli, end

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
STORE = "sqlite:shared.db"


class Shop:
    """Workers of one store, and what they have done."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        cli.write(FLOW)

    def worker(self, *options: str) -> "subprocess.Popen[str]":
        return self.cli.start("worker", "--store", STORE, "--ttl", "1s", *options)

    def submit(self, *names: str) -> None:
        for name in names:
            self.cli("run", "-d", "w.yaml", "--name", name, "-i", f"me={name}", "--store", STORE)

    def statuses(self) -> dict[str, str]:
        return {one["name"]: one["status"] for one in self.cli.json("list", "--store", STORE)}

    def done(self) -> dict[str, list[str]]:
        return {name: self.cli.lines(name) for name in NAMES if self.cli.lines(name)}


ONCE = ["first", "second", "third"]


@pytest.fixture
def shop(cli: Cli) -> Shop:
    return Shop(cli)


def _complete(shop: Shop, *names: str) -> bool:
    return shop.statuses() == dict.fromkeys(names, "Complete")


def test_what_was_submitted_waits_for_a_worker_and_is_worked_on(shop: Shop) -> None:
    shop.submit("n0")
    assert shop.statuses() == {"n0": "Pending"}
    (shop.cli.directory / "go").touch()
    shop.worker()
    shop.cli.until(lambda: _complete(shop, "n0"))
    assert shop.done() == {"n0": ONCE}


def test_a_killed_worker_loses_nothing_and_repeats_nothing_where_another_shares_its_place(shop: Shop) -> None:
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
