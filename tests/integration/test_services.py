"""Services on a laptop, with a program that pretends to run containers."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.cli import Cli, end

SERVED = """
workflow:
  id: served
  version: 1
  inputs: {tag: {type: string, default: "17"}}
  services:
    db:
      image: postgres:((tag))
      ports: [54329]
      env: {PASSWORD: {secret: {name: PW, key: k}}, PLAIN: 5}
      command: [serve, --all]
      args: [-v]
      readiness: {exec: [pg_isready], interval: 50ms, timeout: TIMEOUT}
  steps:
    - name: first
      config: {run: "echo x >> first; ls docker > seen; for i in $(seq 200); do test -e go && break; sleep 0.05; done"}
""".replace("TIMEOUT", "20s")
SECRET = ("--secret", "PW=hunter22")


class Docker:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.program = directory / "fake"
        source = Path(__file__).with_name("fake_docker.py")
        self.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{source}" "$@"\n')
        self.program.chmod(0o755)

    def calls(self, verb: str) -> list[list[str]]:
        file = self.directory / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [call for call in map(json.loads, lines) if call[0] == verb]

    def running(self) -> list[str]:
        return [path.name for path in self.directory.glob("running-*")]


@pytest.fixture
def docker(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Docker:
    docker = Docker(cli.directory / "docker")
    monkeypatch.setenv("FAKE_DOCKER", str(docker.directory))
    monkeypatch.setenv("WFE_CONTAINER_CLI", str(docker.program))
    return docker


def test_services_run_before_the_first_step_and_are_removed_after_the_last(cli: Cli, docker: Docker) -> None:
    (cli.directory / "go").touch()

    document = cli.json("run", cli.write(SERVED), *SECRET)

    name = f"wfe-{document['id'][:8]}-db"
    assert f"running-{name}" in cli.lines("seen")
    [run] = docker.calls("run")
    assert run[:4] == ["run", "-d", "--name", name]
    assert run[run.index("-p") + 1] == "127.0.0.1:54329:54329"
    assert run[run.index("--entrypoint") + 1] == "serve"
    assert run[-3:] == ["postgres:17", "--all", "-v"]
    assert "hunter22" not in json.dumps(docker.calls("run"))
    assert [json.loads(line) for line in cli.lines("docker/envs")] == [
        {"env": "PASSWORD=hunter22\nPLAIN=5\n", "mode": "0o600"}
    ]
    assert not Path(run[run.index("--env-file") + 1]).exists()
    assert docker.running() == []


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        pytest.param("slow", "service `db` was not ready within 1s; it wrote:", id="never-ready"),
        pytest.param("dies", "service `db` has ended before it was ready; it wrote:", id="ends-at-once"),
        pytest.param("refuses", "service `db` cannot be started: no such image", id="cannot-start"),
    ],
)
def test_a_service_that_is_not_ready_ends_the_run(cli: Cli, docker: Docker, mode: str, said: str) -> None:
    text = SERVED.replace("20s", "1s")

    done = cli("run", cli.write(text), *SECRET, "--name", "n", code=1, env={"FAKE_DOCKER_MODE": mode})

    assert said in done.stdout
    assert "␊" not in done.stdout + cli("show", "n").stdout
    shown = cli.json("show", "n")
    assert (shown["status"], shown["reason"]) == ("Failed", "ServiceNotReady")
    assert cli.lines("first") == []
    assert docker.running() == []
    for value in ("hunter22", "aHVudGVyMj"):
        assert value not in done.stdout + json.dumps(shown)


def test_without_a_program_that_works_nothing_is_started(cli: Cli, docker: Docker) -> None:
    done = cli("run", cli.write(SERVED), *SECRET, code=2, env={"FAKE_DOCKER_MODE": "down"})

    assert "the daemon does not run" in done.stderr
    assert docker.calls("run") == []


@pytest.mark.parametrize("is_ready", [True, False], ids=["while-a-step-runs", "while-services-start"])
def test_a_killed_run_goes_on_with_its_services(cli: Cli, docker: Docker, is_ready: bool) -> None:
    os.environ["FAKE_DOCKER_MODE"] = "ready" if is_ready else "slow"
    try:
        run = cli.start("run", cli.write(SERVED), *SECRET, "--name", "killed")
        cli.until(lambda: cli.lines("first") if is_ready else docker.calls("exec"))
    finally:
        del os.environ["FAKE_DOCKER_MODE"]
    end(run)
    assert len(docker.running()) == 1
    (cli.directory / "go").touch()

    cli("resume", "killed", *SECRET)

    assert len(docker.calls("run")) == 1
    assert cli.lines("first") == ["x"]
    assert docker.running() == []


def test_services_that_are_gone_are_started_again_and_fail_the_run_if_they_cannot(
    cli: Cli, docker: Docker
) -> None:
    run = cli.start("run", cli.write(SERVED), *SECRET, "--name", "killed")
    cli.until(lambda: cli.lines("first"))
    end(run)
    for file in docker.directory.glob("running-*"):
        file.unlink()

    done = cli("resume", "killed", *SECRET, code=1, env={"FAKE_DOCKER_MODE": "dies"})

    assert "has ended before it was ready" in done.stdout
    assert cli.json("show", "killed")["reason"] == "ServiceNotReady"
    assert len(docker.calls("run")) == 2


@pytest.mark.parametrize("is_ready", [True, False], ids=["while-a-step-runs", "while-services-start"])
def test_an_interrupt_removes_services(cli: Cli, docker: Docker, is_ready: bool) -> None:
    os.environ["FAKE_DOCKER_MODE"] = "ready" if is_ready else "slow"
    try:
        run = cli.start("run", cli.write(SERVED), *SECRET)
        cli.until(lambda: cli.lines("first") if is_ready else docker.calls("exec"))
    finally:
        del os.environ["FAKE_DOCKER_MODE"]

    code, output = end(run, signal.SIGINT)

    assert code == 4, output
    assert docker.running() == []
    assert cli.lines("first") == (["x"] if is_ready else [])


CALLS = """
workflows:
  - id: inner
    services: {cache: {image: valkey}}
    steps: [{name: one, config: {run: "ls docker > seen"}}]
  - id: outer
    steps: [{name: call, type: workflow, config: {workflow: inner}}]
"""


def test_services_of_children_run_from_the_start(cli: Cli, docker: Docker) -> None:
    document = cli.json("run", cli.write(CALLS))

    assert f"running-wfe-{document['id'][:8]}-cache" in cli.lines("seen")
    assert docker.running() == []


def test_cancelling_what_was_killed_starts_no_services_and_removes_those_there_are(
    cli: Cli, docker: Docker
) -> None:
    run = cli.start("run", cli.write(SERVED), *SECRET, "--name", "killed")
    cli.until(lambda: cli.lines("first"))
    end(run)

    cli("cancel", "killed")

    assert len(docker.calls("run")) == 1
    assert docker.running() == []
