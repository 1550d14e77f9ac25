"""Processes that are interrupted, killed, or two at once."""

import signal

import pytest

from tests.integration.cli import Cli, end

# Its second step waits for somebody to make the file `go`.
SLOW = """
workflow:
  id: slow
  version: 1
  steps:
    - name: first
      config: {run: "echo x >> first; echo first-line"}
    - name: second
      config:
        run: |
          echo x >> second
          for i in 1 2 3 4; do echo line $i; done
          until test -e go; do sleep 0.05; done
          for i in 5 6 7 8; do echo line $i; done
      ensure: {name: clean, config: {run: "echo x >> clean"}}
    - name: third
      config: {run: "echo x >> third; echo third-line"}
"""


def test_a_run_killed_in_the_middle_goes_on_with_resume_and_runs_each_step_once(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "killed")
    cli.until(lambda: cli.lines("second"))
    end(run)
    (cli.directory / "w.yaml").unlink()
    (cli.directory / "go").touch()

    done = cli("resume", "killed")

    assert [cli.lines(name) for name in ("first", "second", "clean", "third")] == [["x"]] * 4
    assert [f"second | line {number}" in done.stdout for number in range(1, 9)] == [True] * 8
    logged = cli("logs", "killed").stdout.splitlines()
    assert logged == ["first-line", *(f"line {number}" for number in range(1, 9)), "third-line"]


def test_what_ends_while_nobody_looks_is_known_afterwards(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "killed")
    cli.until(lambda: cli.lines("second"))
    end(run)
    (cli.directory / "go").touch()
    cli.until(lambda: any((cli.directory / ".wfe/steps").glob("*/second-*/end")))

    cli("resume", "killed")

    assert cli.lines("second") == ["x"]
    assert cli.lines("third") == ["x"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_and_runs_ensure_hooks(cli: Cli, number: int) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "stopped")
    cli.until(lambda: cli.lines("second"))

    code, output = end(run, number)

    assert code == 4, output
    assert "Terminated" in output
    assert (cli.lines("clean"), cli.lines("third")) == (["x"], [])
    assert cli.json("show", "stopped")["status"] == "Terminated"


STUBBORN = """
workflow:
  id: stubborn
  version: 1
  steps:
    - name: deaf
      config: {run: "trap '' TERM; echo x >> started; while :; do sleep 0.1; done", grace: 60s}
"""


def test_a_second_interrupt_kills(cli: Cli) -> None:
    run = cli.start("run", cli.write(STUBBORN))
    cli.until(lambda: cli.lines("started"))
    run.send_signal(signal.SIGINT)
    with pytest.raises(Exception, match="timed out"):
        run.communicate(timeout=1)

    code, output = end(run, signal.SIGINT)

    assert code in {4, 130}, output


def test_an_instance_of_a_live_process_is_not_resumed_by_another(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "busy")
    cli.until(lambda: cli.lines("second"))

    refused = cli("resume", "busy", code=2)

    assert "another process" in refused.stderr
    (cli.directory / "go").touch()
    output, _ = run.communicate(timeout=240)
    assert run.returncode == 0, output
    assert cli.lines("second") == ["x"]


def test_an_instance_of_a_live_process_is_suspended_resumed_and_cancelled_by_others(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "busy")
    cli.until(lambda: cli.lines("second"))

    cli("suspend", "busy")
    (cli.directory / "go").touch()
    output, _ = run.communicate(timeout=240)

    assert run.returncode == 3, output
    assert "wfe resume busy" in output
    assert (cli.lines("second"), cli.lines("third")) == (["x"], [])
    again = cli.start("resume", "busy")
    assert again.communicate(timeout=240)[0]
    assert again.returncode == 0
    assert cli.lines("third") == ["x"]


def test_cancel_reaches_another_process(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "busy")
    cli.until(lambda: cli.lines("second"))

    cli("cancel", "busy")

    assert run.wait(timeout=240) == 4
    assert cli.lines("clean") == ["x"]


def test_cancel_stops_what_a_killed_process_left(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "orphan")
    cli.until(lambda: cli.lines("second"))
    end(run)

    cli("cancel", "orphan")

    assert cli.json("show", "orphan")["status"] == "Terminated"
    assert (cli.lines("clean"), cli.lines("third")) == (["x"], [])


def test_two_runs_in_one_directory_do_not_disturb_each_other(cli: Cli) -> None:
    cli.write(SLOW)
    (cli.directory / "go").touch()
    runs = [cli.start("run", "w.yaml") for _ in range(2)]

    outputs = [run.communicate(timeout=240)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], outputs
    assert [len(cli.lines(name)) for name in ("first", "second", "third")] == [2, 2, 2]


def test_logs_follow_a_run(cli: Cli) -> None:
    run = cli.start("run", cli.write(SLOW), "--name", "busy")
    cli.until(lambda: cli.lines("second"))

    follower = cli.start("logs", "-f", "busy")
    assert follower.stdout is not None
    first = follower.stdout.readline()
    (cli.directory / "go").touch()
    rest = follower.stdout.read()

    assert follower.wait(timeout=240) == 0
    run.communicate(timeout=240)
    assert [first.strip(), *rest.splitlines()] == [
        "first-line",
        *(f"line {number}" for number in range(1, 9)),
        "third-line",
    ]
