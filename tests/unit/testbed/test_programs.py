"""What the test bed fetches and builds."""

import subprocess
from pathlib import Path

import pytest

PARTS = Path(__file__).resolve().parents[3] / "hack/testbed.d"
PRELUDE = """
set -eu
. "$parts/programs.sh"
say() { echo "$*"; }
sleep() { echo "waits $1"; }
calls() { wc -l <"$home/calls"; }
works_at() {
    echo called >>"$home/calls"
    echo "call $(calls)"
    false_before "$1"
    echo done
}
false_before() { [ "$(calls)" -ge "$1" ]; }
"""


def done(script: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", PRELUDE + script],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "home": str(home), "parts": str(PARTS)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("works_at", "waits"),
    [pytest.param(1, [], id="at-once"), pytest.param(3, ["waits 5", "waits 20"], id="at-the-third-time")],
)
def test_what_is_fetched_is_tried_three_times(works_at: int, waits: list[str], tmp_path: Path) -> None:
    found = done(f"fetched it works_at {works_at}; echo goes on", tmp_path)
    assert found.returncode == 0, found
    assert [line for line in found.stdout.splitlines() if line.startswith("waits")] == waits
    assert found.stdout.endswith("goes on\n")
    assert (tmp_path / "log/it.log").read_text() == f"call {works_at}\ndone\n"


@pytest.mark.parametrize(("command", "calls"), [("fetched", 3), ("logged", 1)])
def test_what_fails_for_good_ends_the_run_with_the_last_lines(
    command: str, calls: int, tmp_path: Path
) -> None:
    found = done(f"{command} it works_at 9; echo goes on", tmp_path)
    assert (found.returncode, found.stderr) == (1, f"call {calls}\n")
    assert "goes on" not in found.stdout
