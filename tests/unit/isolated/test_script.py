"""PID 1 of isolated pods, in the shells that images have. Its directories are moved to where a test may write."""

import shutil
import signal
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tests.unit.pods.homes import a_task
from wfe.executors.pod.results import outputs_in
from wfe.model.json import Data
from wfe.supervisor.launch import launch_text
from wfe.supervisor.pod import without_comments

SHELLS = {"dash": ["dash"], "bash": ["bash"], "ash": ["busybox", "ash"]}
PATH = "/usr/local/bin:/usr/bin:/bin"


class Container:
    """What the script finds in its pod."""

    def __init__(self, shell: list[str], root: Path) -> None:
        self.shell = shell
        self.root = root
        (root / "files").mkdir()
        text = files("wfe.pods").joinpath("isolated.sh").read_text()
        self.text = without_comments(text).replace("/wfe/", f"{root}/")

    def start(self, script: str, mode: str = "markers") -> subprocess.Popen[bytes]:
        """Start a step that is a shell script."""
        env = {"WFE_OUTPUT": f"{self.root}/out/step/output"}
        launch = launch_text(["sh", "-c", script], env, str(self.root))
        (self.root / "files" / "launch").write_bytes(launch)
        return subprocess.Popen(
            [*self.shell, "-c", self.text, "wfe", mode],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH},
        )

    def run(self, script: str, mode: str = "markers") -> tuple[int, bytes]:
        """Return its code and its log."""
        process = self.start(script, mode)
        log, _ = process.communicate()
        return process.returncode, log

    @property
    def message(self) -> str:
        """The termination message."""
        path = self.root / "result"
        return path.read_text() if path.exists() else ""

    def outputs(self, log: bytes) -> Data:
        """What the executor makes of it."""
        return outputs_in(a_task(), self.message, log[max(log.find(b"##wfe[outputs "), 0) :])


@pytest.fixture(params=SHELLS, ids=str)
def container(request: pytest.FixtureRequest, tmp_path: Path) -> Container:
    shell = SHELLS[request.param]
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    return Container(shell, tmp_path)


def test_a_step_ends_with_its_code(container: Container) -> None:
    code, log = container.run("echo out; echo err >&2; echo a=1 >>$WFE_OUTPUT; exit 3")
    assert (code, sorted(log.split())) == (3, [b"err", b"out"])
    assert container.message == ""


def test_a_step_that_is_not_there_ends_with_127(container: Container) -> None:
    code, log = container.run("no-such-command")
    assert code == 127
    assert b"not found" in log


def test_outputs_are_in_the_message(container: Container) -> None:
    code, log = container.run("echo '##wfe[output a=marker]'; echo b=file >>$WFE_OUTPUT")
    assert (code, log) == (0, b"##wfe[output a=marker]\n")
    assert container.outputs(log) == {"a": "marker", "b": "file"}


def test_marker_lines_count_only_if_they_may(container: Container) -> None:
    code, log = container.run("echo '##wfe[output a=marker]'", "plain")
    assert (code, container.outputs(log)) == (0, {})


def test_large_outputs_are_at_the_end_of_the_log(container: Container) -> None:
    code, log = container.run(
        "printf said; head -c 9000 /dev/zero | tr '\\0' x | sed 's/^/big=/' >$WFE_OUTPUT"
    )
    assert code == 0
    assert container.message.split() == ["logged", "0", "9004"]
    assert container.outputs(log) == {"big": "x" * 9000}
    assert log.startswith(b"said\n##wfe[outputs ")


@pytest.mark.parametrize(
    ("script", "mode", "message"),
    [
        pytest.param("echo secret=1 >$WFE_OUTPUT", "secret", "kept 0 9\n", id="secrets"),
        pytest.param("head -c 4200000 /dev/zero >$WFE_OUTPUT", "plain", "kept 0 4200000\n", id="too-many"),
    ],
)
def test_outputs_that_may_not_be_told_are_counted(
    container: Container, script: str, mode: str, message: str
) -> None:
    assert container.run(script, mode) == (0, b"")
    assert container.message == message


def test_bytes_of_stdout_are_passed_on_as_they_are(container: Container) -> None:
    assert container.run("printf 'a\\0b\\377'; printf 'no end'") == (0, b"a\0b\xffno end")


@pytest.mark.parametrize(
    ("trap", "code"),
    [
        pytest.param("", -signal.SIGTERM, id="it-dies"),
        pytest.param("trap 'exit 9' TERM;", 9, id="it-tidies-up"),
    ],
)
@pytest.mark.parametrize("mode", ["markers", "plain"])
def test_a_signal_reaches_the_step(container: Container, trap: str, code: int, mode: str) -> None:
    process = container.start(f"{trap} echo ready; while :; do sleep 0.05; done", mode)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    process.communicate()
    assert process.returncode == (128 + signal.SIGTERM if code < 0 else code)


def test_a_signal_that_comes_while_the_step_is_being_started_reaches_it(container: Container) -> None:
    container.text = container.text.replace("step=$!\n", "sleep 0.3\nstep=$!\n")
    process = container.start("echo ready; while :; do sleep 0.05; done")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM


def test_it_says_that_there_is_no_directory_to_work_in(container: Container) -> None:
    process = container.start("true")
    process.communicate()
    (container.root / "files" / "launch").write_bytes(launch_text(["true"], {}, "/no/such/directory"))
    again = subprocess.run(
        [*container.shell, "-c", container.text, "wfe", "plain"],
        capture_output=True,
        env={"PATH": PATH},
        check=False,
    )
    assert (again.returncode, b"/no/such/directory" in again.stderr) == (126, True)


def test_the_script_is_sound() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    path = files("wfe.pods").joinpath("isolated.sh")
    found = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True, check=False)
    assert found.stdout == ""
