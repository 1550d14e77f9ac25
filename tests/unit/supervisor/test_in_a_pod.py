"""The supervisor as it is used in a pod: two directories, mounted secrets, logs on a stream of their own."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.supervisor.test_supervisor import wait_until
from wfe.supervisor import protocol
from wfe.supervisor.answers import Acked, End, EndReason, Hello, OutputBytes, Outputs, Pong, Refused

Connect = Callable[..., Any]


class Pod:
    """The directories of a pod with one container."""

    def __init__(self, root: Path, connect: Connect) -> None:
        self.root = root
        self.state, self.out, self.secrets = (root / name for name in ("state", "out", "secrets"))
        for directory in (self.state, self.out, self.secrets / "ci"):
            directory.mkdir(parents=True)
        self._connect = connect

    def connect(self, epoch: int = 0, **changes: Any) -> Any:
        return self._connect(
            **{"incarnation": "uid-1", "epoch": epoch, "state": self.state, "out": self.out, "pod": "uid-1"}
            | changes
        )


@pytest.fixture
def pod(tmp_path: Path, connect: Connect) -> Pod:
    return Pod(tmp_path / "pod", connect)


def names_below(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_claims_and_records_are_apart_from_what_can_grow(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "echo out; echo err >&2", log_limit=100_000)
    assert talk.hear(End).wrote == "oe"
    assert names_below(pod.state / "i/a") == {"claim", "pid", "end"}
    assert names_below(pod.out / "i/a") == {"launch", "stdout", "stderr"}


def test_room_for_a_step_is_two_empty_directories_and_no_claim(pod: Pod) -> None:
    talk = pod.connect()
    talk.say(protocol.room("i/a"), protocol.room("i/a"), protocol.ping("x"))
    talk.hear(Pong)
    assert names_below(pod.state / "i/a") == names_below(pod.out / "i/a") == set()
    talk.start("i/a", "exit 3")
    assert talk.hear(End).code == 3


def test_of_a_step_that_ended_only_its_end_takes_room(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "exit 3")
    talk.hear(End)
    wait_until(lambda: [talk.size("i/a", name) for name in ("claim", "pid")] == [0, 0])
    talk.start("i/a", "echo twice")
    assert talk.hear(End).code == 3


def test_a_step_that_writes_too_much_is_ended_there_too(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "while :; do echo 0123456789; done", log_limit=10_000, grace=0)
    assert talk.hear(End).reason is EndReason.LOG_LIMIT


def test_a_step_behind_pipes_runs_there_too(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "echo 1 >/dev/stderr; echo 2 >/dev/stderr", pipes=True)
    talk.hear(End)
    assert talk.read("i/a", "stderr") == b"1\n2\n"


def test_acknowledged_steps_leave_nothing_but_empty_claims(pod: Pod) -> None:
    talk = pod.connect()
    keys = [f"i/s{number}" for number in range(20)]
    for key in keys:
        talk.start(key, "echo x")
    for _ in keys:
        talk.hear(End)
    talk.say(*protocol.acks(keys))
    for key in keys:
        assert talk.hear(Acked) == Acked(key)
        assert names_below(pod.state / key) == {"claim"}
        assert not (pod.out / key).exists()
    talk.start("i/s3", "echo again")
    assert talk.hear(Acked) == Acked("i/s3")


def test_what_still_runs_is_not_acknowledged(pod: Pod) -> None:
    talk = pod.connect()
    os.mkfifo(pod.root / "gate")
    talk.start("i/a", f"read line <{pod.root}/gate")
    talk.say(*protocol.acks(["i/a"]))
    talk.hear(Acked)
    (pod.root / "gate").write_text("go\n")
    assert talk.hear(End).code == 0


def test_a_pod_of_another_uid_is_refused(pod: Pod) -> None:
    talk = pod.connect(pod="uid-2", greet=False)
    assert talk.hear(Refused) == Refused("-", "incarnation")


def test_a_restarted_container_serves_on_and_calls_lost_what_was_running(pod: Pod) -> None:
    (pod.state / "i/a").mkdir(parents=True)
    (pod.state / "i/a/claim").write_text("999999999.1\n")
    (pod.state / "i/a/pid").write_text("999999999 1 999999998 1 100 0 0 0 .\n")
    talk = pod.connect(epoch=1)
    talk.start("i/a", "echo twice")
    assert talk.hear(End).reason is EndReason.LOST
    talk.start("i/b", "exit 3")
    assert talk.hear(End).code == 3


@pytest.mark.parametrize("value", ["hunter2", "", "two\nlines\n", "a 'b' $c `d` \\0101 ünï"])
def test_a_mounted_secret_is_a_variable_of_its_step_alone(pod: Pod, value: str) -> None:
    (pod.secrets / "ci/token").write_text(value)
    talk = pod.connect()
    talk.start("i/a", 'printf %s "$TOKEN"', mounted={"TOKEN": ("ci", "token")})
    assert talk.hear(End).code == 0
    assert talk.read("i/a", "stdout").decode() == value
    talk.start("i/b", 'printf %s "${TOKEN-unset}"')
    talk.hear(End)
    assert talk.read("i/b", "stdout") == b"unset"


def test_a_secret_that_is_not_there_is_refused_before_anything_starts(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "true", mounted={"TOKEN": ("ci", "none")})
    assert talk.hear(Refused) == Refused("i/a", "secret")
    assert not (pod.state / "i/a/claim").exists()
    talk.start("i/a", "true")
    assert talk.hear(End).code == 0


def test_values_of_secrets_are_told_for_masking(pod: Pod) -> None:
    (pod.secrets / "ci/token").write_text("hunter2")
    (pod.secrets / "ci/large").write_bytes(bytes(range(256)) * 30)
    talk = pod.connect()
    talk.say(protocol.values())
    talk.hear(Outputs)
    found: dict[str, bytes] = {}
    for answer in talk.heard:
        if isinstance(answer, OutputBytes):
            assert answer.source == "value"
            found[answer.key] = found.get(answer.key, b"") + answer.data
    assert found == {"ci/token": b"hunter2", "ci/large": bytes(range(256)) * 30}


def test_without_secrets_there_are_no_values(pod: Pod) -> None:
    talk = pod.connect()
    talk.say(protocol.values())
    assert talk.hear(Outputs) == Outputs("-")


def test_a_stream_is_read_in_blocks_and_each_piece_ends_with_the_readers_word(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "head -c 10000 /dev/zero; echo end")
    talk.hear(End)
    command = [*talk.shell, str(pod.state / "supervisor.sh"), "logs", str(pod.state), str(pod.out)]
    asked = [
        protocol.log("i/a", "stdout", 0, 1, "word1"),
        protocol.log("i/a", "stdout", 1, 100, "word2"),
        protocol.log("i/a", "stdout", 9, 1, "word3"),
        protocol.log("i/a", "stderr", 0, 1, "word4"),
        protocol.log("i/none", "stdout", 0, 1, "word5"),
    ]
    done = subprocess.run(command, input=b"".join(asked), capture_output=True, check=True)
    rest = b"\0" * (10_000 - 4096) + b"end\n"
    assert done.stdout == b"\0" * 4096 + b"word1\n" + rest + b"word2\nword3\nword4\nword5\n"


def test_the_stream_of_logs_tells_who_wrote_and_was_not_acknowledged(pod: Pod) -> None:
    talk = pod.connect()
    for key, text in (
        ("i/out", "echo a"),
        ("i/err", "echo b >&2"),
        ("j/nothing", "true"),
        ("j/acked", "echo c"),
    ):
        talk.start(key, text)
        talk.hear(End)
    talk.say(*protocol.acks(["j/acked"]))
    talk.hear(Acked)
    command = [*talk.shell, str(pod.state / "supervisor.sh"), "logs", str(pod.state), str(pod.out)]
    asked = [protocol.written("word1"), protocol.log("i/out", "stdout", 0, 1, "word2")]
    done = subprocess.run(command, input=b"".join(asked), capture_output=True, check=True)
    told, _, rest = done.stdout.partition(b"word1\n")
    assert set(told.split()) == {b"i/out", b"i/err"}
    assert rest == b"a\nword2\n"


@pytest.mark.parametrize(
    ("file", "text", "code", "wrote"),
    [
        ("memory.events", "low 0\noom 3\noom_kill 1\n", 137, "m"),
        ("memory/memory.oom_control", "under_oom 0\noom_kill 2\n", 137, "m"),
        ("memory.events", "oom 3\noom_kill 0\n", 137, "-"),
        ("memory.events", "oom_kill 1\n", 1, "-"),
        ("nothing", "", 137, "-"),
    ],
)
def test_a_killed_step_of_a_container_without_memory_says_so(
    pod: Pod, monkeypatch: pytest.MonkeyPatch, file: str, text: str, code: int, wrote: str
) -> None:
    (pod.root / "cgroup/memory").mkdir(parents=True)
    (pod.root / "cgroup" / file).write_text(text)
    monkeypatch.setenv("WFE_CGROUP", str(pod.root / "cgroup"))
    talk = pod.connect()
    talk.start("i/a", f"exit {code}")
    assert talk.hear(End).wrote == wrote


def test_steps_with_a_name_are_told_to_pid_1(pod: Pod) -> None:
    talk = pod.connect()
    talk.start("i/a", "true", name="build image")
    talk.hear(End)
    talk.start("i/b", "true")
    talk.hear(End)
    assert (pod.state / ".supervisor/started").read_text() == "i/a build_image\n"


class Container:
    """PID 1 of a container, as a process of this machine."""

    def __init__(self, pod: Pod, shell: tuple[str, ...], mode: str) -> None:
        text = (Path(protocol.__file__).parent / "shell/pid1.sh").read_text()
        text = text.replace("/wfe/state/$1", str(pod.state)).replace("/wfe/out/$1", str(pod.out))
        self.process = subprocess.Popen(
            [*shell, "-c", text, "wfe", "main", mode], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.process.stdout is not None
        self.stdout = self.process.stdout

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.stdout.close()


@pytest.fixture
def contain(pod: Pod, shell: tuple[str, ...]) -> Iterator[Callable[[str], Container]]:
    containers: list[Container] = []

    def contain(mode: str) -> Container:
        containers.append(Container(pod, shell, mode))
        # A kubelet says that a container runs some time after its first process has begun.
        wait_until((pod.state / ".supervisor/started").exists)
        return containers[-1]

    yield contain
    for container in containers:
        container.close()


def test_pid_1_prints_what_steps_write_behind_their_names(pod: Pod, contain: Any) -> None:
    container = contain("copy")
    talk = pod.connect()
    talk.start("i/a", "echo one; echo two", name="build")
    talk.hear(End)
    assert [container.stdout.readline() for _ in range(2)] == [b"[build] one\n", b"[build] two\n"]
    os.mkfifo(pod.root / "gate")
    talk.start("i/b", f"echo up >&2; read line <{pod.root}/gate; echo down", name="test#2")
    assert container.stdout.readline() == b"[test#2] up\n"
    (pod.root / "gate").write_text("go\n")
    assert container.stdout.readline() == b"[test#2] down\n"


def test_pid_1_prints_long_output_whole(pod: Pod, contain: Any) -> None:
    container = contain("copy")
    talk = pod.connect()
    talk.start("i/a", "i=0; while [ $i -lt 500 ]; do i=$((i + 1)); echo line $i; done; printf end", name="s")
    talk.hear(End)
    for number in range(1, 501):
        assert container.stdout.readline() == b"[s] line %d\n" % number
    assert container.stdout.read(7) == b"[s] end"


def test_pid_1_is_fit_for_its_shells() -> None:
    path = Path(protocol.__file__).parent / "shell/pid1.sh"
    try:
        said = subprocess.run(["shellcheck", path], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("shellcheck is not installed")
    assert said.stdout == ""


@pytest.mark.parametrize("mode", ["copy", "quiet"])
def test_what_runs_when_the_pod_goes_away_is_lost_and_not_failed(pod: Pod, contain: Any, mode: str) -> None:
    container = contain(mode)
    talk = pod.connect()
    os.mkfifo(pod.root / "gate")
    talk.start("i/done", "exit 3")
    talk.hear(End)
    talk.start("i/a", f"trap 'exit 9' TERM; : >{pod.root}/gate; while :; do sleep 0.01; done")
    (pod.root / "gate").read_text()
    container.process.send_signal(signal.SIGTERM)
    end = talk.hear(End)
    assert (end.key, end.reason) == ("i/a", EndReason.LOST)
    assert container.process.wait() == 0


def test_a_second_controller_greets_the_same_pod(pod: Pod) -> None:
    pod.connect(epoch=1)
    assert pod.connect(epoch=2, greet=False).hear(Hello).epoch == 2
