"""The supervisor itself, under every shell there is."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wfe.supervisor import protocol, script
from wfe.supervisor.answers import (
    Acked,
    End,
    EndReason,
    Hello,
    Killed,
    Listed,
    Live,
    OutputBytes,
    Outputs,
    Pong,
    Refused,
    Stale,
)

Connect = Callable[..., Any]
NO_TIME = timedelta()


def wait_until(is_so: Callable[[], bool]) -> None:
    patience = threading.Event()
    for _ in range(3000):
        if is_so():
            return
        patience.wait(0.01)
    raise AssertionError("it never came to be")


def brings_programs(shell: tuple[str, ...]) -> bool:
    """Tell whether a shell is built to find `setsid` and `env` in itself, wherever PATH leads."""
    said = subprocess.run(
        [*shell, "-c", "command -v setsid"], env={"PATH": "/nowhere"}, capture_output=True, check=False
    )
    return said.returncode == 0


def wait_for_output(talk: Any, key: str, text: bytes) -> None:
    path = talk.state / key / "stdout"
    wait_until(lambda: path.exists() and path.read_bytes() == text)


def members_of(group: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(") ")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


def step_of(talk: Any, key: str) -> int:
    path = talk.state / key / "pid"
    wait_until(lambda: path.exists() and path.read_text().endswith(".\n"))
    return int(path.read_text().split()[0])


def test_it_greets_with_its_version_incarnation_epoch_and_clock(connect: Connect) -> None:
    talk = connect("pod-1", 7, greet=False)
    hello = talk.hear(Hello)
    assert (hello.version, hello.incarnation, hello.epoch) == (protocol.VERSION, "pod-1", 7)
    assert hello.clock > 0


def test_a_step_runs_and_its_end_and_output_are_kept(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "echo out; echo err >&2; exit 3")
    assert talk.hear(Live).key == "i/a"
    end = talk.hear(End)
    assert (end.key, end.code, end.reason) == ("i/a", 3, EndReason.EXIT)
    assert end.started <= end.ended
    assert (talk.read("i/a", "stdout"), talk.read("i/a", "stderr")) == (b"out\n", b"err\n")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "two words",
        "it's",
        'say "x"',
        "a\nb\n",
        "$HOME `id` $(id)",
        "\\n \\\\",
        "* ? [a]",
        "ünïcode ☃",
        "-n",
        "!",
    ],
)
def test_a_value_reaches_the_environment_as_it_is(connect: Connect, value: str) -> None:
    talk = connect()
    talk.start("i/a", 'printf %s "$VALUE"', env={"VALUE": value})
    talk.hear(End)
    assert talk.read("i/a", "stdout").decode() == value


@pytest.mark.parametrize("name", ["UID", "PPID", "IFS", "state", "key", "line", "PS4", "OPTIND"])
def test_a_name_that_shells_use_themselves_is_a_name_like_any_other(connect: Connect, name: str) -> None:
    talk = connect()
    talk.start("i/a", argv=["env"], env={name: "501 x"})
    assert talk.hear(End).code == 0
    assert f"{name}=501 x".encode() in talk.read("i/a", "stdout").splitlines()


@pytest.mark.parametrize(
    "value",
    ["", "hunter2", "a b\n\\n$(id)`'\"%s", "ünï ☃" * 400, "\n"],
    ids=["empty", "word", "odd", "long", "newline"],
)
def test_a_secret_reaches_its_step_alone_and_no_file(connect: Connect, value: str) -> None:
    talk = connect()
    talk.start(
        "i/a", 'printf %s "$TOKEN" | od -An -v -tx1; printf %s "$B"', secrets={"TOKEN": value, "B": "-b-"}
    )
    assert talk.hear(End).code == 0
    *shown, other = talk.read("i/a", "stdout").split()
    assert (bytes.fromhex(b"".join(shown).decode()), other) == (value.encode(), b"-b-")
    talk.start("i/b", 'echo "${TOKEN-unset}"')
    talk.hear(End)
    assert talk.read("i/b", "stdout") == b"unset\n"
    kept = b"".join(
        path.read_bytes() for path in talk.state.rglob("*") if path.is_file() and path.name != "stdout"
    )
    assert b"hunter2" not in kept


def test_a_step_behind_pipes_may_reopen_its_streams(connect: Connect) -> None:
    talk = connect()
    code = "echo 1 >&2; echo 2 >/dev/stderr; echo 3 | tee /dev/stderr; echo 4 >&2; head -c 300000 /dev/zero; exit 9"
    talk.start("i/a", code, pipes=True)
    assert talk.hear(End).code == 9
    assert talk.read("i/a", "stderr") == b"1\n2\n3\n4\n"
    assert talk.read("i/a", "stdout") == b"3\n" + bytes(300_000)


def test_a_daemon_that_keeps_the_pipes_does_not_keep_the_end(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "setsid sleep 5 & echo done", pipes=True)
    assert talk.hear(End).code == 0
    assert talk.read("i/a", "stdout") == b"done\n"


def test_a_step_has_a_session_of_its_own_and_an_empty_stdin(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", 'cat; cut -d" " -f5,6 /proc/$$/stat; echo $$')
    assert talk.hear(End).code == 0
    ids, own = talk.read("i/a", "stdout").decode().splitlines()
    assert ids.split() == [own, own]


def test_a_step_can_be_interrupted_although_shells_start_jobs_with_that_ignored(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "grep SigIgn /proc/self/status")
    talk.hear(End)
    ignored = int(talk.read("i/a", "stdout").split()[1], 16)
    # The `env` of busybox cannot undo it.
    expected = [2, 3] if brings_programs(talk.shell) else []
    assert [number for number in range(1, 32) if ignored & (1 << (number - 1))] == expected


def programs(directory: Path, *names: str) -> str:
    directory.mkdir()
    for name in ("sh", "mkdir", "rm", "sleep", "ls", "cat", *names):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (directory / name).symlink_to(found)
    return str(directory)


def test_without_setsid_perl_does_its_work(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", programs(tmp_path / "bin", "perl", "cut", "grep"))
    talk = connect()
    talk.start("i/a", 'cut -d" " -f5,6 /proc/$$/stat; echo $$; grep SigIgn /proc/self/status')
    assert talk.hear(End).code == 0
    ids, own, ignored = talk.read("i/a", "stdout").decode().splitlines()
    assert ids.split() == [own, own]
    if brings_programs(talk.shell):
        return
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGINT - 1)) == 0
    talk.start("i/b", argv=["no-such-program"])
    assert talk.hear(End).code == 127
    assert talk.read("i/b", "stderr").startswith(b"no-such-program: No such file")


def test_with_neither_it_refuses_to_serve(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", programs(tmp_path / "bin"))
    talk = connect(greet=False)
    if brings_programs(talk.shell):
        assert talk.hear(Hello)
        return
    assert talk.hear(Refused) == Refused("-", "setsid")
    assert talk.process.wait(100) == 5


def test_a_missing_directory_is_told_in_a_sentence(connect: Connect, tmp_path: Path) -> None:
    talk = connect()
    launch = b"cd '/nowhere' 2>/dev/null || { echo no directory >&2; exit 126; }\nset -- true\n"
    talk.say(
        protocol.put("i/a", "launch", launch),
        protocol.start("i/a", "here", timeout=None, grace=NO_TIME, log_limit=0),
    )
    assert talk.hear(End).code == 126
    assert talk.read("i/a", "stderr") == b"no directory\n"


def test_a_second_start_finds_the_first(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "echo once; exec sleep 100")
    talk.hear(Live)
    talk.start("i/a", "echo twice")
    talk.hear(Live)
    wait_for_output(talk, "i/a", b"once\n")
    talk.say(protocol.kill("i/a", NO_TIME))
    talk.hear(End)
    talk.start("i/a", "echo thrice")
    assert talk.hear(End).reason is EndReason.CANCELLED
    assert talk.read("i/a", "stdout") == b"once\n"


def test_of_two_supervisors_one_starts_the_step_and_both_tell_its_end(connect: Connect) -> None:
    first, second = connect(), connect()
    gate = first.state / "gate"
    os.mkfifo(gate)
    first.start("i/a", f"echo $$; read line <{gate}")
    first.hear(Live)
    second.start("i/a", "echo mine")
    second.hear(Live)
    gate.write_text("go\n")
    assert first.hear(End).code == 0
    assert second.hear(End).code == 0
    assert len(first.read("i/a", "stdout").splitlines()) == 1


def test_a_start_for_another_incarnation_is_refused(connect: Connect) -> None:
    talk = connect("here")
    talk.say(protocol.start("i/a", "there", timeout=None, grace=NO_TIME, log_limit=0))
    assert talk.hear(Refused) == Refused("i/a", "incarnation")
    assert not (talk.state / "i/a/claim").exists()


def test_an_incarnation_whose_machine_has_changed_is_refused(connect: Connect) -> None:
    talk = connect("here")
    (talk.state / ".supervisor/incarnation.here").write_text("another boot\n")
    assert connect("here", greet=False).hear(Refused).why == "incarnation"


def test_a_higher_epoch_wins(connect: Connect) -> None:
    old = connect(epoch=4)
    new = connect(epoch=5)
    old.start("i/a", "true")
    assert old.hear(Stale) == Stale(5)
    assert old.process.wait(100) == 3
    assert connect(epoch=4, greet=False).hear(Stale) == Stale(5)
    new.start("i/a", "true")
    assert new.hear(End).code == 0


def test_a_kill_reaches_the_whole_group_and_leaves_nobody(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "sleep 100 & sh -c 'sleep 100 & sleep 100' & echo up; wait")
    group = step_of(talk, "i/a")
    wait_for_output(talk, "i/a", b"up\n")
    talk.say(protocol.kill("i/a", timedelta(seconds=30)))
    talk.hear(Killed)
    assert talk.hear(End).reason is EndReason.CANCELLED
    wait_until(lambda: not members_of(group))


def test_who_ignores_the_term_signal_is_killed_after_the_grace(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "trap '' TERM; echo up; sleep 100 & wait; sleep 100")
    group = step_of(talk, "i/a")
    wait_for_output(talk, "i/a", b"up\n")
    talk.say(protocol.kill("i/a", timedelta(milliseconds=300)))
    end = talk.hear(End)
    assert end.reason is EndReason.CANCELLED
    assert end.ended - end.started >= 30
    wait_until(lambda: not members_of(group))


def test_children_keep_the_grace_that_their_shell_did_not_need(connect: Connect) -> None:
    talk = connect()
    child = "trap 'sleep 0.3; echo tidy; exit' TERM; echo up; while :; do sleep 0.01; done"
    talk.start("i/a", f"sh -c {child!r} & wait", env={})
    wait_for_output(talk, "i/a", b"up\n")
    talk.say(protocol.kill("i/a", timedelta(seconds=30)))
    talk.hear(End)
    assert talk.read("i/a", "stdout") == b"up\ntidy\n"


def test_what_is_left_of_a_group_ends_with_its_step(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "sleep 100 & echo done")
    assert talk.hear(End).code == 0
    group = step_of(talk, "i/a")
    wait_until(lambda: not members_of(group))


def test_a_kill_of_a_key_never_claimed_keeps_it_from_starting(connect: Connect) -> None:
    talk = connect()
    talk.say(protocol.kill("i/a", NO_TIME))
    assert talk.hear(End).reason is EndReason.CANCELLED
    talk.hear(Killed)
    talk.start("i/a", "echo late")
    assert talk.hear(End) == End("i/a", None, EndReason.CANCELLED, None, talk.heard[1].ended, "-")
    assert not (talk.state / "i/a/stdout").exists()


def test_a_timeout_ends_the_group(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "sleep 100 & sleep 100", timeout=0.2)
    end = talk.hear(End)
    assert end.reason is EndReason.TIMEOUT
    assert end.ended - end.started >= 20
    assert members_of(step_of(talk, "i/a")) == []


def test_a_timeout_needs_neither_engine_nor_loop(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "trap '' TERM; while :; do sleep 0.1; done", timeout=0.3, grace=0.2)
    step_of(talk, "i/a")
    talk.process.kill()
    talk.close()
    wait_until((talk.state / "i/a/end").exists)
    assert talk.read("i/a", "end").split()[1] == b"timeout"


def test_a_step_that_writes_too_much_is_ended(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "while :; do echo 0123456789; done", log_limit=100_000)
    assert talk.hear(End).reason is EndReason.LOG_LIMIT


def test_a_step_outlives_its_supervisor_and_the_next_one_tells_its_end(connect: Connect) -> None:
    first = connect()
    gate = first.state / "gate"
    os.mkfifo(gate)
    first.start("i/a", f"read line <{gate}; echo $line; exit 4")
    first.hear(Live)
    step_of(first, "i/a")
    assert first.hang_up() == 0
    second = connect()
    second.start("i/a", "echo twice")
    assert second.hear(Live).key == "i/a"
    gate.write_text("go\n")
    assert second.hear(End).code == 4
    assert second.read("i/a", "stdout") == b"go\n"


def test_an_end_that_nobody_heard_is_told_again(connect: Connect) -> None:
    first = connect()
    first.start("i/a", "exit 5")
    first.hang_up()
    wait_until((first.state / "i/a/end").exists)
    second = connect()
    second.say(protocol.listing())
    assert second.hear(End).code == 5
    second.hear(Listed)


@pytest.mark.parametrize(
    "pid", [None, "999999999 1 999999999 1 100 0 0 0 .\n"], ids=["never-began", "is-gone"]
)
def test_a_claim_without_end_or_process_is_lost(connect: Connect, pid: str | None) -> None:
    talk = connect()
    (talk.state / "i/a").mkdir(parents=True)
    (talk.state / "i/a/claim").write_text("another\n")
    if pid is not None:
        (talk.state / "i/a/pid").write_text(pid)
    talk.start("i/a", "echo late")
    assert talk.hear(End).reason is EndReason.LOST
    assert not (talk.state / "i/a/stdout").exists()


def test_a_process_id_in_other_hands_does_not_count_as_alive(connect: Connect) -> None:
    talk = connect()
    (talk.state / "i/a").mkdir(parents=True)
    (talk.state / "i/a/claim").write_text("another\n")
    (talk.state / "i/a/pid").write_text(f"{os.getpid()} 1 {os.getpid()} 1 100 0 0 0 .\n")
    talk.start("i/a", "true")
    assert talk.hear(End).reason is EndReason.LOST


def test_a_step_whose_watcher_was_killed_is_lost_once_it_ends(connect: Connect) -> None:
    talk = connect()
    gate = talk.state / "gate"
    os.mkfifo(gate)
    talk.start("i/a", f"read line <{gate}")
    step_of(talk, "i/a")
    os.kill(int(talk.read("i/a", "pid").split()[2]), signal.SIGKILL)
    gate.write_text("go\n")
    assert talk.hear(End).reason is EndReason.LOST


def test_a_claim_that_was_torn_is_known_to_be_taken_and_no_more(connect: Connect) -> None:
    talk = connect()
    (talk.state / "i/a").mkdir(parents=True)
    (talk.state / "i/a/claim").touch()
    talk.start("i/a", "echo late")
    assert talk.hear(Acked) == Acked("i/a")
    assert not (talk.state / "i/a/stdout").exists()


def test_a_torn_record_counts_as_lost(connect: Connect) -> None:
    talk = connect()
    (talk.state / "i/a").mkdir(parents=True)
    (talk.state / "i/a/claim").write_text("another\n")
    (talk.state / "i/a/end").write_text("0 ex")
    talk.start("i/a", "true")
    assert talk.hear(End).reason is EndReason.LOST


def test_an_acknowledged_key_keeps_its_claim_only(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "true")
    talk.hear(End)
    talk.say(*protocol.acks(["i/a"]))
    talk.hear(Acked)
    assert [path.name for path in (talk.state / "i/a").iterdir()] == ["claim"]
    assert talk.read("i/a", "claim") == b""
    talk.start("i/a", "echo again")
    assert talk.hear(Acked) == Acked("i/a")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"short",
        b"a\nb\\n\\\\ %s $x\t",
        bytes(range(1, 256)),
        bytes(range(256)) * 300,
        b"x" * 5000 + b"\n",
    ],
    ids=["empty", "short", "odd", "any-byte", "binary", "long"],
)
def test_a_file_arrives_byte_by_byte_and_the_next_command_after_it(connect: Connect, body: bytes) -> None:
    talk = connect()
    talk.say(protocol.put("i/a", "script", body), protocol.ping("x"))
    assert talk.hear(Pong) == Pong("x")
    assert talk.read("i/a", "script") == body


def test_a_file_for_a_claimed_key_is_not_written(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", "true")
    talk.hear(End)
    before = talk.read("i/a", "launch")
    talk.say(
        protocol.put("i/a", "launch", b"\0" * 5000), protocol.put("i/a", "launch", b"x"), protocol.ping("x")
    )
    talk.hear(Pong)
    assert talk.read("i/a", "launch") == before


def test_outputs_come_in_lines_that_one_write_can_carry(connect: Connect) -> None:
    talk = connect()
    file = bytes(range(256)) * 40
    talk.start("i/a", "echo '##wfe[output a=1]'; echo noise; echo '##wfe[output b=2]'")
    talk.hear(End)
    (talk.state / "i/a/output").write_bytes(file)
    talk.say(protocol.outputs("i/a", 1 << 20))
    talk.hear(Outputs)
    pieces = [answer for answer in talk.heard if isinstance(answer, OutputBytes)]
    assert b"".join(piece.data for piece in pieces if piece.source == "file") == file
    assert b"".join(piece.data for piece in pieces if piece.source == "markers") == (
        b"##wfe[output a=1]\n##wfe[output b=2]\n"
    )


@pytest.mark.parametrize(
    ("script", "wrote"),
    [
        ("true", "-"),
        ("echo", "o"),
        ("echo >&2", "e"),
        ('echo a=1 >"$WFE_OUTPUT"', "f"),
        ('echo; echo >&2; echo >"$WFE_OUTPUT"', "oef"),
    ],
)
def test_an_end_says_what_there_is_to_fetch(connect: Connect, script: str, wrote: str) -> None:
    talk = connect()
    talk.start("i/a", script, env={"WFE_OUTPUT": str(talk.out / "i/a/output")})
    assert talk.hear(End).wrote == wrote


def test_an_output_that_is_no_file_is_refused(connect: Connect) -> None:
    talk = connect()
    talk.start("i/a", 'mkdir "$WFE_OUTPUT"', env={"WFE_OUTPUT": str(talk.out / "i/a/output")})
    assert talk.hear(End).wrote == "d"
    talk.say(protocol.outputs("i/a", 10))
    assert talk.hear(Refused) == Refused("i/a", "outputs")


def test_a_verb_nobody_knows_is_refused_and_does_no_harm(connect: Connect) -> None:
    talk = connect()
    talk.say(b"dance i/a\n", b"\n", b"start\n", b"kill i/a\n", protocol.ping("x"))
    assert talk.hear(Refused).why == "verb"
    talk.hear(Pong)


def test_many_steps_at_once_all_tell_their_ends(connect: Connect) -> None:
    talk = connect()
    for number in range(50):
        talk.start(f"i/s{number}", f"exit {number}")
    ends: set[str] = set()
    while len(ends) < 50:
        # A guard that looks in the very moment tells an end as well: any answer may come twice.
        ends.add(talk.hear(End).key)
    codes = {answer.key: answer.code for answer in talk.heard if isinstance(answer, End)}
    assert codes == {f"i/s{number}": number for number in range(50)}


def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    path = tmp_path / "supervisor.sh"
    path.write_text(script())
    try:
        said = subprocess.run(["shellcheck", "-s", "sh", path], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("shellcheck is not installed")
    assert said.stdout == ""
