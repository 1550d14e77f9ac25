"""`hack/test`, and so the pipeline's tests, with programs in place of others that only note how they are called."""

import re
import shutil
import subprocess
import sys
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
    *status* | docker*) exit 1 ;;
esac
result=0
[ -z "$FAILING" ] || [[ $called != *$FAILING* ]] || result=1
[[ $called != python* ]] || printf '== short test summary info ==\nof %s\n== %s ==\n' \
    "$called" "$([ $result = 0 ] && echo 3 passed || echo 1 failed, 2 passed)"
exit $result
"""
UNIT = "python -m pytest -n 3 tests/unit tests/simulation tests/golden"
SERVERS = "python -m pytest -n 3 tests/integration"
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
    for name in ("hack/venv", "hack/check", "hack/testbed", ".venv/bin/python", "bin/docker"):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FAKE, "utf-8")
        path.chmod(0o755)
    for name in ("hack/test", "hack/pytest", "workflows.yaml"):
        shutil.copy(ROOT / name, directory / name)
    shutil.copytree(ROOT / "hack/pipeline", directory / "hack/pipeline")
    (directory / ".venv/bin/wfe").symlink_to(Path(sys.executable).parent / "wfe")
    done = subprocess.run(
        [directory / "hack/test", *arguments],
        env={"PATH": f"{directory / 'bin'}:/usr/bin:/bin", "FAILING": failing},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout.splitlines(), (directory / "calls").read_text().splitlines())


def test_everything_is_run_and_the_last_line_is_of_the_last_tests(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert found.code == 0, found
    order = [found.called(what) for what in (UNIT, SERVERS, BESIDE, ALONE, "testbed down")]
    assert order == sorted(order), found.calls
    assert -1 not in order
    assert found.called("servers up") < found.called(SERVERS)
    assert found.called("testbed up") < found.called(BESIDE)
    assert found.called("check --static") >= 0
    tests = {path.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/*/**/test_*.py")}
    assert tests == set(re.findall(r"tests/(\w+)", " ".join(found.calls))), "no directory is left out"
    closing = [f"of python -m pytest --timeout 600 {ALONE}", "== 3 passed =="]
    assert found.lines[-3:] == ["== short test summary info ==", *closing]


@pytest.mark.parametrize("part", ["check --static", UNIT, SERVERS, BESIDE])
def test_what_fails_fails_the_run_and_the_others_are_run_nevertheless(part: str, tmp_path: Path) -> None:
    found = run(tmp_path, failing=part)
    assert found.code == 1
    assert -1 not in [found.called(what) for what in (UNIT, SERVERS, BESIDE, "check --static")], found
    assert ("== 1 failed, 2 passed ==" in found.lines) == (part != "check --static")
    assert "FAILED: see above" in found.lines


@pytest.mark.parametrize("part", [pytest.param(ALONE, id="the-last-tests"), "servers up", "testbed up"])
def test_what_others_stand_on_ends_the_part_that_it_is_of(part: str, tmp_path: Path) -> None:
    found = run(tmp_path, failing=part)
    assert found.code == 1
    assert found.called(UNIT) >= 0
    assert "FAILED: see above" in found.lines
    not_run = "tests of cluster: they have not run"
    assert (not_run in found.lines) == (part != ALONE), "no suite may be missing unseen"


@pytest.mark.parametrize("part", ["venv", "testbed programs"])
def test_what_nothing_works_without_ends_the_run(part: str, tmp_path: Path) -> None:
    found = run(tmp_path, failing=part)
    assert found.code == 1
    assert found.called("pytest") == -1


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
    assert found.lines[-2].endswith(arguments[-1])
