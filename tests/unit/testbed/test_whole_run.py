"""`hack/test` with programs in its place that only note how they are called."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Says what it was called with, and fails where it is told to.
FAKE = """#!/bin/bash
called="$(basename "$0") $*"
echo "$called" >>calls
case $called in
    *" env" | *missing) exit ;;
    *status*) exit 1 ;;
    python*) echo "summary of $called" ;;
esac
[ -z "$FAILING" ] || [[ $called != *$FAILING* ]]
"""
REST = "python -m pytest -n 2 --ignore tests/e2e"
BESIDE = "-m not alone tests/e2e"
ALONE = "-m alone tests/e2e"


@dataclass(frozen=True)
class Run:
    """What came of it."""

    code: int
    lines: list[str]
    calls: list[str]

    def called(self, what: str) -> int:
        return next((at for at, call in enumerate(self.calls) if what in call), -1)


def run(directory: Path, *arguments: str, failing: str = "") -> Run:
    for name in ("hack/venv", "hack/check", "hack/testbed", ".venv/bin/python"):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FAKE, "utf-8")
        path.chmod(0o755)
    shutil.copy(ROOT / "hack/test", directory / "hack/test")
    done = subprocess.run(
        [directory / "hack/test", *arguments],
        env={"PATH": "/usr/bin:/bin", "FAILING": failing},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout.splitlines(), (directory / "calls").read_text().splitlines())


def test_everything_is_run_and_the_last_line_is_of_the_last_tests(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert found.code == 0, found
    order = [
        found.called(what) for what in ("check --static", REST, "testbed up", BESIDE, ALONE, "testbed down")
    ]
    assert order == sorted(order), found.calls
    assert -1 not in order
    assert found.lines[-1] == f"summary of python -m pytest --timeout 600 {ALONE}"


@pytest.mark.parametrize("part", ["check --static", REST, BESIDE, ALONE])
def test_what_fails_fails_the_run_and_the_others_are_run_nevertheless(part: str, tmp_path: Path) -> None:
    found = run(tmp_path, failing=part)
    assert found.code == 1
    assert found.called(ALONE) > found.called(BESIDE) > found.called(REST) > -1
    assert found.lines[-1].endswith(ALONE)
    assert ("FAILED so far: see above" in found.lines) == (part != ALONE)


@pytest.mark.parametrize("part", ["venv", "testbed programs", "servers up", "testbed up"])
def test_what_nothing_works_without_ends_the_run(part: str, tmp_path: Path) -> None:
    found = run(tmp_path, failing=part)
    assert found.code == 1
    assert found.called(ALONE) == -1


def test_what_was_brought_up_is_taken_down(tmp_path: Path) -> None:
    found = run(tmp_path, failing=ALONE)
    taken = {call for call in found.calls if " down" in call}
    assert taken == {
        "testbed down",
        *(f"testbed servers down {it}" for it in ("postgres", "valkey", "opensearch")),
    }


@pytest.mark.parametrize(
    ("arguments", "cluster", "servers"),
    [
        pytest.param(("tests/unit",), False, False, id="unit"),
        pytest.param(("tests/integration/valkey",), False, True, id="integration"),
        pytest.param(("tests/e2e/runner",), True, True, id="e2e"),
    ],
)
def test_arguments_choose_what_is_brought_up(
    arguments: tuple[str, ...], cluster: bool, servers: bool, tmp_path: Path
) -> None:
    found = run(tmp_path, *arguments)
    assert (found.code, found.called("testbed up") >= 0, found.called("servers up") >= 0) == (
        0,
        cluster,
        servers,
    )
    assert sum(call.startswith("python") for call in found.calls) == 1
    assert found.lines[-1].endswith(arguments[-1])
