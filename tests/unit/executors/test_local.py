"""What the local executor promises beyond the contract: crashes, the environment, large output, what it keeps."""

import asyncio
import os
import resource
import signal
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wfe.executors.local import LocalExecutor, SupervisorAway
from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskOutcome
from wfe.model.task import ProcessTask
from wfe.ports.logs import Segment, Stream
from wfe.providers.files import FileLogs
from wfe.supervisor.layout import attempt_directory
from wfe.testing.executor_contract import Recorder, a_gate, a_key, a_script, until

NO_TIME = timedelta()


class Counter:
    """A sink that keeps nothing but sums."""

    def __init__(self) -> None:
        self.bytes = self.segments = 0

    async def write(self, segment: Segment) -> None:
        self.bytes += len(segment.data)
        self.segments += 1


def an_executor(root: Path, sink: Any = None, **changes: Any) -> LocalExecutor:
    workspace = root / "workspace"
    workspace.mkdir(exist_ok=True)
    now = lambda: datetime(2030, 1, 1, tzinfo=UTC)  # noqa: E731
    return LocalExecutor(root / "state", workspace, sink or Recorder(), now=now, **changes)


def all_bytes_below(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


async def run_once(executor: LocalExecutor, task: ProcessTask) -> Any:
    try:
        return await executor.run(task, executor.place(None))
    finally:
        await executor.close(NO_TIME)


async def environment_of(executor: LocalExecutor, sink: Recorder, **changes: Any) -> dict[str, str]:
    task = a_script("env -0", **changes)
    assert (await run_once(executor, task)).exit_code == 0
    pairs = sink.bytes_of(task.key).decode().split("\0")[:-1]
    return dict(pair.split("=", 1) for pair in pairs)


async def test_a_step_inherits_what_is_named_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "private")
    monkeypatch.setenv("LC_TIME", "C")
    monkeypatch.setenv("WANTED", "yes")
    sink = Recorder()
    env = await environment_of(
        an_executor(tmp_path, sink, inherit=["WANTED", "ABSENT"]), sink, env={"OWN": "1"}
    )
    assert (env["WANTED"], env["LC_TIME"], env["OWN"]) == ("yes", "C", "1")
    assert env["PATH"] == os.environ["PATH"]
    known = {"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "LC_TIME", "WANTED", "OWN"}
    of_shells = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert {name for name in env if not name.startswith(("WFE_", "LC_"))} <= known | of_shells
    assert {name for name in env if name.startswith("WFE_")} == {"WFE_WORKSPACE", "WFE_OUTPUT", "WFE_DATA"}


async def test_the_tasks_variables_win_over_inherited_ones(tmp_path: Path) -> None:
    sink = Recorder()
    env = await environment_of(an_executor(tmp_path, sink), sink, env={"LANG": "xx", "TZ": "yy"})
    assert (env["LANG"], env["TZ"]) == ("xx", "yy")


async def test_braces_in_a_users_value_are_a_users_value(tmp_path: Path) -> None:
    sink = Recorder()
    env = await environment_of(an_executor(tmp_path, sink), sink, env={"TEXT": "{dir}/x"})
    assert env["TEXT"] == "{dir}/x"


@pytest.mark.parametrize(
    "secrets", [{"ci/token": "hunter2"}, {"ci": "hunter2"}], ids=["name-and-key", "name"]
)
async def test_a_secret_reaches_the_step_and_no_file(tmp_path: Path, secrets: Mapping[str, str]) -> None:
    executor = an_executor(tmp_path, secrets=secrets)
    task = a_script('test "$TOKEN" = hunter2', secrets={"TOKEN": ("ci", "token")})
    assert (await run_once(executor, task)).outcome is TaskOutcome.COMPLETE
    kept = all_bytes_below(tmp_path)
    assert kept.count(b"hunter2") == kept.count(b'"$TOKEN" = hunter2') == 1


async def test_a_missing_secret_fails_the_step_and_says_how_to_give_it(tmp_path: Path) -> None:
    ended = await run_once(an_executor(tmp_path), a_script("true", secrets={"TOKEN": ("ci", "token")}))
    assert ended.failure.reason is Reason.CONFIG_INVALID
    assert "ci/token" in ended.failure.message


async def test_what_it_keeps_is_for_its_owner_alone(tmp_path: Path) -> None:
    task = a_script("true")
    await run_once(an_executor(tmp_path), task)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    directory = tmp_path / "state" / task.key.instance / task.key.token
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {"claim", "pid", "end", "stdout", "stderr", "script", "about.json"} <= {
        path.name for path in directory.iterdir()
    }


async def test_any_instance_has_a_directory_below_the_state(tmp_path: Path) -> None:
    executor = an_executor(tmp_path)
    for number, instance in enumerate(["../up", "a/b", ".supervisor", "id", "", "x" * 300, "ü"]):
        task = a_script("true", AttemptKey(instance, "s", number))
        assert (await executor.run(task, executor.place(None))).outcome is TaskOutcome.COMPLETE
    await executor.close(NO_TIME)
    assert set(os.listdir(tmp_path)) == {"state", "workspace"}  # noqa: PTH208


@pytest.mark.parametrize(
    ("incarnation", "is_lost_at_once"),
    [("{word}-before-the-machine-was-started-again", True), ("another-place", False)],
)
async def test_what_ran_in_another_place_is_lost_once_its_time_to_come_back_is_over(
    tmp_path: Path, incarnation: str, is_lost_at_once: bool
) -> None:
    executor = an_executor(tmp_path, lost_after=timedelta(hours=1))
    word = executor.incarnation.partition("-")[0]
    running = asyncio.create_task(executor.run(a_script("true"), incarnation.format(word=word)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert running.done() == is_lost_at_once
    if is_lost_at_once:
        assert running.result().outcome is TaskOutcome.LOST
    running.cancel()
    await executor.close(NO_TIME)


async def test_it_knows_what_was_started_here(tmp_path: Path) -> None:
    executor = an_executor(tmp_path)
    task = a_script("true")
    assert executor.started(task.key.instance) == frozenset()
    await run_once(executor, task)
    assert executor.started(task.key.instance) == {task.key}


async def test_an_incarnation_is_one_state_directory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, again, other = (
        an_executor(tmp_path / "a"),
        an_executor(tmp_path / "a"),
        an_executor(tmp_path / "b"),
    )
    assert first.incarnation == again.incarnation != other.incarnation


async def test_a_supervisor_that_dies_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    sink = Recorder()
    executor = an_executor(tmp_path, sink)
    task = a_script(f"{a_gate(tmp_path / 'gate')}; echo over; exit 6")
    run = asyncio.create_task(executor.run(task, executor.place(None)))
    await until(lambda: sink.bytes_of(task.key) == b"waiting\n")
    claim = (tmp_path / "state" / task.key.instance / task.key.token / "claim").read_text()
    os.kill(int(claim.split(".")[0]), signal.SIGKILL)
    assert (await executor.run(a_script("exit 3"), executor.place(None))).exit_code == 3
    (tmp_path / "gate").write_text("\n")
    assert (await run).exit_code == 6
    assert sink.bytes_of(task.key) == b"waiting\nover\n"
    await executor.close(NO_TIME)


async def test_no_step_starts_twice_or_loses_its_end_while_supervisors_die(tmp_path: Path) -> None:
    executors = [an_executor(tmp_path) for _ in range(2)]
    tasks = [
        a_script(f"echo >>started-{number}; sleep 0.0{number % 10}; exit {number}") for number in range(60)
    ]
    killed: set[int] = set()

    async def kill_supervisors() -> None:
        while len(killed) < 10:
            await asyncio.sleep(0.05)
            for claim in (tmp_path / "state").glob("instance/*/claim"):
                owner = int(claim.read_text().partition(".")[0] or 0)
                if owner not in killed and owner:
                    killed.add(owner)
                    os.kill(owner, signal.SIGKILL)

    killer = asyncio.create_task(kill_supervisors())
    ends = await asyncio.gather(
        *(executors[n % 2].run(task, executors[n % 2].place(None)) for n, task in enumerate(tasks))
    )
    killer.cancel()
    for number, end in enumerate(ends):
        started = tmp_path / "workspace" / f"started-{number}"
        # A supervisor that dies between claim and start leaves a step that never began, and is known not to have.
        assert (end.exit_code == number and started.read_text() == "\n") or (
            end.outcome is TaskOutcome.LOST and not started.exists()
        )
    assert len(killed) > 1
    for executor in executors:
        await executor.close(NO_TIME)


async def test_a_machine_that_cannot_supervise_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mkdir").symlink_to("/bin/mkdir")
    monkeypatch.setenv("PATH", str(programs))
    executor = an_executor(tmp_path)
    with pytest.raises(SupervisorAway, match="setsid"):
        await run_once(executor, a_script("true"))


async def test_a_supervisor_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    executor = an_executor(tmp_path)
    hello = f"hello 1 {executor.incarnation} 0 1"
    (tmp_path / "state" / "supervisor.sh").write_text(f"echo {hello}; read line")
    with pytest.raises(SupervisorAway, match="again and again"):
        await run_once(executor, a_script("true"))


async def test_an_instance_that_is_forgotten_leaves_nothing(tmp_path: Path) -> None:
    executor = an_executor(tmp_path)
    for instance in ("gone", "kept"):
        await executor.run(a_script("true", AttemptKey(instance, "s", 1)), executor.place(None))
    await executor.forget("gone")
    await executor.close(NO_TIME)
    assert set(os.listdir(tmp_path / "state")) == {"id", "supervisor.sh", ".supervisor", "kept"}  # noqa: PTH208


ENGINE = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from wfe.executors.local import LocalExecutor, SupervisorAway
from wfe.model.ids import AttemptKey
from wfe.testing.executor_contract import Recorder, a_script

async def main():
    root = Path(sys.argv[1])
    executor = LocalExecutor(root / "state", root / "workspace", Recorder(), now=lambda: datetime.now(UTC))
    await executor.run(a_script(sys.argv[2], AttemptKey("i", "s", 1)), executor.place(None))

asyncio.run(main())
"""


@pytest.mark.parametrize("ends_while_away", [True, False], ids=["ends-while-nobody-looks", "ends-later"])
async def test_a_step_outlives_an_engine_that_was_killed(tmp_path: Path, ends_while_away: bool) -> None:
    (tmp_path / "workspace").mkdir()
    script = f"echo >>started; {a_gate(tmp_path / 'gate')}; echo over; echo a=1 >$WFE_OUTPUT; exit 0"
    engine = await asyncio.create_subprocess_exec(sys.executable, "-c", ENGINE, str(tmp_path), script)
    await until((tmp_path / "workspace" / "started").exists)
    engine.kill()
    await engine.wait()
    sink = Recorder()
    executor = an_executor(tmp_path, sink)
    task = a_script(script, AttemptKey("i", "s", 1))
    if ends_while_away:
        (tmp_path / "gate").write_text("\n")
        await until((tmp_path / "state/i" / task.key.token / "end").exists)
    run = asyncio.create_task(executor.run(task, executor.place(None)))
    if not ends_while_away:
        await until(lambda: sink.bytes_of(task.key))
        (tmp_path / "gate").write_text("\n")
    ended = await run
    assert (ended.outcome, ended.outputs) == (TaskOutcome.COMPLETE, {"a": 1})
    assert sink.bytes_of(task.key) == b"waiting\nover\n"
    assert (tmp_path / "workspace" / "started").read_text() == "\n"
    await executor.close(NO_TIME)


async def test_a_step_nobody_knows_about_is_lost(tmp_path: Path) -> None:
    executor = an_executor(tmp_path)
    task = a_script("echo again >>started")
    directory = tmp_path / "state" / task.key.instance / task.key.token
    directory.mkdir(parents=True)
    (directory / "claim").write_text("999999999.1\n")
    ended = await run_once(executor, task)
    assert ended.outcome is TaskOutcome.LOST
    assert ended.failure.reason is Reason.LOST
    assert not (tmp_path / "workspace" / "started").exists()


async def test_no_process_is_left_after_a_kill(tmp_path: Path) -> None:
    sink = Recorder()
    executor = an_executor(tmp_path, sink)
    task = a_script("echo $$; sleep 1000 & sh -c 'trap \"\" TERM; sleep 1000' & wait")
    run = asyncio.create_task(executor.run(task, executor.place(None)))
    await until(lambda: sink.bytes_of(task.key))
    await executor.kill(task.key, timedelta(milliseconds=50))
    assert (await run).outcome is TaskOutcome.CANCELLED
    group = int(sink.bytes_of(task.key))
    await until(lambda: not living_members(group))
    await executor.close(NO_TIME)


def living_members(group: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = path.read_text().rpartition(") ")[2].split()[:3]
        except OSError:
            continue
        if pgrp == str(group) and state != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize(
    ("script", "size"),
    [
        pytest.param("head -c 100000000 /dev/zero", 100_000_000, id="100-MB-without-a-newline"),
        pytest.param("seq 1000000", 6_888_896, id="a-million-lines"),
    ],
)
async def test_large_output_is_complete_in_flat_memory_and_does_not_hold_up_others(
    tmp_path: Path, script: str, size: int
) -> None:
    sink = Counter()
    executor = an_executor(tmp_path, sink)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large = asyncio.create_task(executor.run(a_script(script), executor.place(None)))
    for _ in range(3):
        assert (await executor.run(a_script("true"), executor.place(None))).exit_code == 0
    assert not large.done()
    assert (await large).exit_code == 0
    assert sink.bytes == size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    await executor.close(NO_TIME)


@pytest.mark.parametrize("path", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"])
async def test_a_step_that_reopens_its_stream_loses_nothing(tmp_path: Path, path: str) -> None:
    sink = Recorder()
    task = a_script(f"echo one >&2; echo two >{path}; echo three >&2")
    await run_once(an_executor(tmp_path, sink), task)
    assert sink.bytes_of(task.key, Stream.STDERR) == b"one\ntwo\nthree\n"


async def test_a_program_that_empties_its_log_does_not_stop_it(tmp_path: Path) -> None:
    sink = Recorder()
    executor = an_executor(tmp_path, sink)
    (tmp_path / "workspace" / "program").write_text("echo x >/dev/stderr")
    task = a_script(f"echo more words >&2; {a_gate(tmp_path / 'gate')}; sh program; echo three >&2")
    run = asyncio.create_task(executor.run(task, executor.place(None)))
    await until(lambda: sink.bytes_of(task.key, Stream.STDERR))
    (tmp_path / "gate").write_text("\n")
    await run
    assert sink.bytes_of(task.key, Stream.STDERR) == b"more words\nx\nthree\n"
    await executor.close(NO_TIME)


async def test_another_tasks_sink_that_fails_fails_that_run_only(tmp_path: Path) -> None:
    bad = a_key("bad")

    class Choosy(Recorder):
        async def write(self, segment: Segment) -> None:
            if segment.key == bad:
                raise OSError("no room")
            await super().write(segment)

    executor = an_executor(tmp_path, Choosy())
    ends = await asyncio.gather(
        executor.run(a_script("echo x", bad), executor.place(None)),
        executor.run(a_script("echo y"), executor.place(None)),
        return_exceptions=True,
    )
    assert isinstance(ends[0], OSError)
    assert not isinstance(ends[1], BaseException)
    await executor.close(NO_TIME)


SECRET = "hunter2-very-secret"


def a_telling_task(script: str, attempt: int = 1) -> ProcessTask:
    return replace(
        a_script(script), key=AttemptKey("i", "tell", attempt), secrets={"TOKEN": ("api", "token")}
    )


async def test_secrets_are_masked_in_the_log_and_in_what_is_kept(tmp_path: Path) -> None:
    sink = Recorder()
    task = a_telling_task('echo "the token is $TOKEN"; echo "again $TOKEN" >&2; printf %s "$TOKEN"')
    executor = an_executor(tmp_path, sink, secrets={"api/token": SECRET})
    assert (await run_once(executor, task)).outcome is TaskOutcome.COMPLETE
    assert sink.bytes_of(task.key) == b"the token is " + b"*" * 19 + b"\n" + b"*" * 19
    assert SECRET.encode() not in all_bytes_below(tmp_path / "state")


async def test_a_log_that_may_hold_secrets_is_not_read_before_it_is_masked(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    task = a_telling_task(f'echo "$TOKEN"; while ! test -e {gate}; do sleep 0.05; done')
    executor = an_executor(tmp_path, secrets={"api/token": SECRET})
    reader = FileLogs(tmp_path / "state")
    running = asyncio.create_task(executor.run(task, executor.place(None)))
    log = tmp_path / "state" / attempt_directory(task.key) / "stdout"
    await until(lambda: log.exists() and log.stat().st_size > 0)
    assert [segment async for segment in reader.read("i")] == []
    gate.touch()
    await running
    await executor.close(NO_TIME)
    assert b"".join([segment.data async for segment in reader.read("i")]) == b"*" * 19 + b"\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param('echo "leak=$TOKEN" >> "$WFE_OUTPUT"', id="a-value"),
        pytest.param('echo "$TOKEN=leak" >> "$WFE_OUTPUT"', id="a-name"),
        pytest.param('echo "$TOKEN" >> "$WFE_OUTPUT"', id="a-line-that-is-no-output"),
        pytest.param('printf "%55s%s" "" "$TOKEN" >> "$WFE_OUTPUT"', id="cut-where-it-is-quoted"),
        pytest.param('echo "a<<$TOKEN" >> "$WFE_OUTPUT"', id="a-block-without-an-end"),
        pytest.param('echo "{$TOKEN" >> "$WFE_OUTPUT"', id="no-json"),
        pytest.param('echo "##wfe[output $TOKEN$(head -c 300 /dev/zero | tr "\\0" x)=1]"', id="a-marker"),
    ],
)
async def test_an_output_that_holds_a_secret_fails_the_step(tmp_path: Path, script: str) -> None:
    task = a_telling_task(script)
    ended = await run_once(an_executor(tmp_path, secrets={"api/token": SECRET}), task)
    assert ended.failure is not None
    assert ended.failure.reason is Reason.OUTPUTS_INVALID
    assert "secret" in ended.failure.message
    assert SECRET[:5] not in str(ended)
    assert SECRET.encode() not in all_bytes_below(tmp_path / "state")


async def test_files_of_a_step_hold_texts_and_secrets_and_are_gone_after_it(tmp_path: Path) -> None:
    sink = Recorder()
    files: dict[str, str | tuple[str, str]] = {"NOTES": "plain text", "KUBECONFIG": ("api", "token")}
    script = 'stat -c %a "$KUBECONFIG"; cat "$NOTES"; wc -c < "$KUBECONFIG"'
    task = replace(a_telling_task(script), secrets={}, private_files=files)
    ended = await run_once(an_executor(tmp_path, sink, secrets={"api/token": SECRET}), task)
    assert ended.outcome is TaskOutcome.COMPLETE
    assert sink.bytes_of(task.key) == b"600\nplain text%d\n" % len(SECRET)
    assert SECRET.encode() not in all_bytes_below(tmp_path / "state")
