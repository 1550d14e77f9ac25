"""What the test bed knows of the processes that it started."""

import subprocess
from pathlib import Path

PARTS = Path(__file__).resolve().parents[3] / "hack/testbed.d"
PRELUDE = """
set -eu
. "$parts/processes.sh"
mkdir -p "$home/log" "$home/run"
command_of() { command=(tail -f "$parts/processes.sh"); }
"""


def exit_code(script: str, home: Path) -> int:
    return subprocess.run(
        ["bash", "-c", PRELUDE + script],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "home": str(home), "parts": str(PARTS)},
        check=False,
    ).returncode


def test_a_component_is_alive_from_its_start_to_its_end(tmp_path: Path) -> None:
    once = "start it; alive it || exit 3; end it; ! alive it || exit 4\n"
    assert exit_code(once * 8, tmp_path) == 0


def test_a_process_that_took_over_its_number_is_not_the_component(tmp_path: Path) -> None:
    assert exit_code('echo "$$ 1" >"$home/run/it.pid"; ! alive it', tmp_path) == 0


def test_a_component_that_ended_by_itself_is_not_alive(tmp_path: Path) -> None:
    gone = "until ! [ -e /proc/$(pid_of it) ]; do sleep 0.01; done"
    assert exit_code(f"command_of() {{ command=(true); }}\nstart it\n{gone}\n! alive it", tmp_path) == 0


def test_a_component_keeps_nothing_open_of_who_started_it(tmp_path: Path) -> None:
    held = f"exec 7>{tmp_path}/lock 20>{tmp_path}/other; flock 7\n"
    is_free = f"exec 7>&-; flock --nonblock {tmp_path}/lock true || exit 3\n"
    begun = "start it; until grep -q tail /proc/$(pid_of it)/comm; do :; done\n"
    opened = "[ $(ls /proc/$(pid_of it)/fd | sort -n | tail -1) -lt 7 ] || exit 4\n"
    assert exit_code(held + begun + opened + is_free + "end it", tmp_path) == 0
