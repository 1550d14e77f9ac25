"""Runs are searched by words, and their logs by texts, through the real command."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import Cli
from tests.integration.opensearch.prefix import a_prefix

FLOW = """
workflow:
  id: deploy
  inputs: {image: string}
  steps:
    - name: build
      config: {run: "for i in $(seq 1 300); do echo line $i of $IMAGE; done; printf 'tail without end'"}
    - name: check
      config: {run: "echo ERROR: disk full >&2; exit $CODE", env: {CODE: "((code))"}}
"""
SLOW = """
workflow:
  id: slow
  steps:
    - name: count
      config: {run: "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.05; done; printf end"}
"""


def run(cli: Cli, name: str, image: str, *arguments: str, code: int = 0) -> None:
    cli(
        "run",
        cli.write(FLOW),
        "--name",
        name,
        "-i",
        f"image={image}",
        "--var",
        f"code={code}",
        *arguments,
        code=code,
    )


@pytest.fixture(params=["files", pytest.param("opensearch", marks=pytest.mark.integration)])
def copies(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    if request.param == "files":
        yield ("--search", "sqlite:.wfe/search.db", "--logs", "files:.wfe/logs")
        return
    with a_prefix(request.getfixturevalue("opensearch_url"), f"cli{time.time_ns()}") as url:
        yield ("--search", url, "--logs", url)


def test_runs_and_their_logs_are_found(cli: Cli, copies: tuple[str, ...]) -> None:
    _, search, _, logs = copies
    run(cli, "good", "app:1", *copies)
    run(cli, "bad", "other:2", *copies, code=1)
    found = cli("search", "APP", "--search", search).stdout.splitlines()
    assert [line.split()[0] for line in found] == ["NAME", "good"]
    for arguments, names in (
        (("deplo*",), ["bad", "good"]),
        (("deplo*", "--limit", "1"), ["bad"]),
        (("--status", "Failed"), ["bad"]),
        (("--workflow", "other"), []),
        (("build", "check", "--since", "1h"), ["bad", "good"]),
        (("app", "--since", "2999-01-01"), []),
    ):
        assert [one["name"] for one in cli.json("search", *arguments, "--search", search)] == names, arguments
    lines = cli.json("logs", "--search", "LINE 299 OF", "--logs", logs)
    assert [(line["name"], line["step"], line["text"]) for line in lines] == [
        ("good", "build", "line 299 of app:1\n"),
        ("bad", "build", "line 299 of other:2\n"),
    ]
    printed = cli("logs", "--search", "disk full", "--step", "check", "--logs", logs).stdout.splitlines()
    assert [line.partition(" | ")[2] for line in printed] == ["ERROR: disk full"] * 2
    assert (
        cli.json("logs", "good", "--search", "without end", "--logs", logs)[0]["text"] == "tail without end"
    )
    assert cli.json("logs", "--search", "line", "--workflow", "other", "--logs", logs) == []
    assert "there are more; --limit" in cli("logs", "--search", "line", "--limit", "5", "--logs", logs).stderr


def test_a_log_that_is_kept_is_read_where_it_was_not_written(
    cli: Cli, copies: tuple[str, ...], tmp_path: Path
) -> None:
    run(cli, "good", "app:1", *copies)
    here = cli("logs", "good", "--step", "build").stdout
    for path in (tmp_path / ".wfe/steps").iterdir():
        path.rename(path.with_name(f"away-{path.name}"))
    assert cli("logs", "good", "--step", "build").stdout == ""
    assert cli("logs", "good", "--step", "build", "--logs", copies[3]).stdout == here
    assert cli("logs", "good", "--step", "build", "--follow", "--logs", copies[3]).stdout == here


def test_what_a_killed_command_had_on_its_way_is_sent_by_the_next(
    cli: Cli, copies: tuple[str, ...], tmp_path: Path
) -> None:
    _, search, _, logs = copies
    process = cli.start("run", cli.write(SLOW), "--name", "slow", *copies)
    deadline = time.monotonic() + 240
    while not list((tmp_path / ".wfe").glob("copies/*/i-*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cli("resume", "slow", *copies)
    found = cli.json("logs", "slow", "--search", "", "--logs", logs)
    assert [line["text"] for line in found] == [*(f"line {number}\n" for number in range(60)), "end"]
    (instance,) = cli.json("search", "slow", "--search", search)
    assert instance["status"] == "Complete"
    assert list((tmp_path / ".wfe").glob("copies/*/i-*")) == []


def test_copies_that_are_away_hold_nothing_up(cli: Cli, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1"
    done = cli(
        "run", cli.write(FLOW), "-i", "image=a", "--var", "code=0", "--search", nobody, "--logs", nobody
    )
    assert "wait, steps go on: OpenSearch at `http://127.0.0.1:1` cannot be reached" in done.stderr
    assert "the next host on this state directory sends the rest" in done.stderr
    here = ("--search", "sqlite:.wfe/search.db", "--logs", "files:.wfe/logs")
    run(cli, "next", "b", *here)
    assert len(cli.json("search", "deploy", *here[:2])) == 2
    assert len(cli.json("logs", "--search", "line 300 of", *here[2:])) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "x"), "no search is named: run instances with `--search URL`"),
        (("logs", "--search", "x"), "no logs are named to search in: run instances with `--logs URL`"),
        (("search", "x", "--search", "files:x"), "`files:x` has no search; use `https://…` (OpenSearch)"),
        (("logs", "--search", "x", "--logs", "redis://h"), "`redis://h` keeps no logs; use `https://…`"),
        (("run", "w.yaml", "--logs", "redis://h"), "`redis:` keeps no logs; use"),
        (("run", "w.yaml", "--search", "files:x"), "`files:` has no search; use"),
        (("search", "x", "--search", "sqlite:s.db"), "there is no `sqlite:s.db`: nothing was copied there"),
        (("logs", "--search", "x", "--logs", "files:l"), "there is no `files:l`: nothing was copied there"),
        (("logs",), "name an instance, or search in all: --search TEXT"),
        (("logs", "x", "--since", "1h"), "--since goes with --search TEXT"),
        (
            ("search", "x", "--since", "soon", "--search", "sqlite:s.db"),
            "`soon` is no time; say how long ago",
        ),
    ],
)
def test_what_cannot_be_asked_is_told(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    cli.write("workflow: {id: w, steps: [{name: a, config: {run: 'true'}}]}")
    assert said in cli(*arguments, code=2).stderr


def test_an_environment_variable_names_the_copies(cli: Cli) -> None:
    env = {"WFE_SEARCH": "sqlite:.wfe/s.db", "WFE_LOGS": "files:.wfe/l"}
    cli("run", cli.write(FLOW), "-i", "image=a", "--var", "code=0", env=env)
    assert json.loads(cli("search", "deploy", "--output", "json", env=env).stdout)
    assert "line 7 of a" in cli("logs", "--search", "line 7 ", env=env).stdout
