"""What every executor of processes promises. Subclass the suite and give it a fixture `site`.

A `Site` makes executors on the same claims and the same log sink, one after another or at once, as if in
several lives of an engine, and has a workspace that a test may look into.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import OutputFormat, ProcessTask
from wfe.ports.executor import Executor
from wfe.ports.logs import SEGMENT_LIMIT, Segment, Stream

NO_TIME = timedelta()
LONG = timedelta(minutes=5)
_numbers = count()


@dataclass
class Recorder:
    """A log sink that keeps everything and holds its writers to their order."""

    segments: list[Segment] = field(default_factory=list)

    async def write(self, segment: Segment) -> None:
        """Keep it."""
        self.segments.append(segment)

    def bytes_of(self, key: AttemptKey, stream: Stream = Stream.STDOUT) -> bytes:
        """Put one stream together again, each offset once."""
        at: dict[int, bytes] = {s.offset: s.data for s in self.segments if (s.key, s.stream) == (key, stream)}
        whole = b"".join(at[offset] for offset in sorted(at))
        assert sum(map(len, at.values())) == max((offset + len(at[offset]) for offset in at), default=0)
        return whole


@dataclass(frozen=True)
class Site:
    """Where the executors of one test run."""

    make: Callable[[], Executor]
    sink: Recorder
    workspace: Path
    instance: Instance | None = None

    @asynccontextmanager
    async def executor(self) -> AsyncIterator[Executor]:
        """Make an executor, and close it whatever happens."""
        executor = self.make()
        try:
            yield executor
        finally:
            await executor.close(NO_TIME)

    async def run(self, executor: Executor, task: ProcessTask) -> TaskEnded:
        """Have a task admitted, as before a save, and run it where that says."""
        place = executor.place(self.instance)
        if executor.admits and self.instance and not executor.takes(task, place):
            place = await executor.admit(task, self.instance)
        return await executor.run(task, place)


def a_key(step: str = "step") -> AttemptKey:
    """Return a key that no other test has."""
    return AttemptKey("instance", f"{step}-{next(_numbers)}", 1)


def a_script(text: str, key: AttemptKey | None = None, **changes: Any) -> ProcessTask:
    """Return a task that runs a shell script."""
    files = {"script": text.encode(), "data.json": b"{}"}
    task: dict[str, Any] = {
        "key": key or a_key(),
        "argv": ("sh", "{dir}/script"),
        "files": files,
        "timeout": LONG,
    }
    return ProcessTask(**{**task, **changes})


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so; the test's own timeout ends a wait in vain."""
    while not is_so():  # noqa: ASYNC110  # files and processes raise no events here
        await asyncio.sleep(0.01)


def a_gate(path: Path) -> str:
    """Make a gate that a script waits at, and return the line of the script that waits."""
    os.mkfifo(path)
    return f"echo waiting; read line <'{path}'"


class ExecutorContract:
    """Started once, its end and its whole log told, ended when told to."""

    async def test_a_task_runs_and_completes(self, site: Site) -> None:
        async with site.executor() as executor:
            task = a_script("echo hello")
            ended = await site.run(executor, task)
        assert (ended.path, ended.attempt) == (task.key.path, 1)
        assert (ended.outcome, ended.exit_code, ended.failure) == (TaskOutcome.COMPLETE, 0, None)
        assert ended.started_at is not None
        assert ended.ended_at is not None
        assert ended.started_at <= ended.ended_at

    @pytest.mark.parametrize(
        ("script", "code", "words"),
        [
            pytest.param("exit 3", 3, "code 3", id="its-own-code"),
            pytest.param("no-such-command-here", 127, "not found", id="unknown-command"),
            pytest.param("kill -KILL $$", 137, "SIGKILL", id="ended-by-a-signal"),
        ],
    )
    async def test_a_task_that_fails_says_with_which_code(
        self, site: Site, script: str, code: int, words: str
    ) -> None:
        async with site.executor() as executor:
            ended = await site.run(executor, a_script(script))
        assert (ended.outcome, ended.exit_code) == (TaskOutcome.FAILED, code)
        assert ended.failure is not None
        assert (ended.failure.reason, ended.failure.exit_code) == (Reason.EXIT_CODE, code)
        assert words in ended.failure.message

    async def test_all_it_wrote_is_in_the_sink_before_its_end_is_told(self, site: Site) -> None:
        task = a_script("printf 'a\\nb'; printf 'x\\0y\\377' >&2")
        async with site.executor() as executor:
            await site.run(executor, task)
            assert site.sink.bytes_of(task.key) == b"a\nb"
            assert site.sink.bytes_of(task.key, Stream.STDERR) == b"x\0y\xff"
        segments = [segment for segment in site.sink.segments if segment.stream is Stream.STDOUT]
        assert [(segment.offset, segment.data) for segment in segments] == [(0, b"a\n"), (2, b"b")]

    async def test_a_line_without_end_comes_in_pieces_of_the_limit(self, site: Site) -> None:
        task = a_script("head -c 40000 /dev/zero; echo; echo next")
        async with site.executor() as executor:
            await site.run(executor, task)
        lengths = [len(segment.data) for segment in site.sink.segments]
        assert lengths == [SEGMENT_LIMIT, SEGMENT_LIMIT, 40001 - 2 * SEGMENT_LIMIT, 5]

    async def test_output_is_handed_on_while_the_task_runs(self, site: Site, tmp_path: Path) -> None:
        task = a_script(a_gate(tmp_path / "gate"))
        async with site.executor() as executor:
            run = asyncio.create_task(site.run(executor, task))
            await until(lambda: site.sink.bytes_of(task.key) == b"waiting\n")
            (tmp_path / "gate").write_text("\n")
            assert (await run).outcome is TaskOutcome.COMPLETE

    async def test_many_runs_of_one_key_are_one_start(self, site: Site) -> None:
        task = a_script("echo once >>started")
        async with site.executor() as executor, site.executor() as other:
            ends = await asyncio.gather(
                site.run(executor, task), site.run(executor, task), site.run(other, task)
            )
            again = await site.run(executor, task)
        assert {end.outcome for end in (*ends, again)} == {TaskOutcome.COMPLETE}
        assert (site.workspace / "started").read_text() == "once\n"

    async def test_a_task_outlives_its_executor_and_the_next_one_tells_its_end(
        self, site: Site, tmp_path: Path
    ) -> None:
        task = a_script(f"{a_gate(tmp_path / 'gate')}; echo over; exit 7")
        async with site.executor() as executor:
            run = asyncio.create_task(site.run(executor, task))
            await until(lambda: site.sink.bytes_of(task.key) == b"waiting\n")
            run.cancel()
            await asyncio.wait([run])
        async with site.executor() as executor:
            assert executor.place(site.instance) == site.make().place(site.instance)
            run = asyncio.create_task(site.run(executor, task))
            (tmp_path / "gate").write_text("\n")
            assert (await run).exit_code == 7
        assert site.sink.bytes_of(task.key) == b"waiting\nover\n"

    async def test_an_end_that_nobody_waited_for_is_found(self, site: Site) -> None:
        task = a_script("echo >>started; exit 5")
        async with site.executor() as executor:
            run = asyncio.create_task(site.run(executor, task))
            await until((site.workspace / "started").exists)
            run.cancel()
            await asyncio.wait([run])
        async with site.executor() as executor:
            assert (await site.run(executor, task)).exit_code == 5
        assert (site.workspace / "started").read_text() == "\n"

    async def test_who_leaves_does_not_take_the_others_along(self, site: Site, tmp_path: Path) -> None:
        task = a_script(a_gate(tmp_path / "gate"))
        async with site.executor() as executor:
            first = asyncio.create_task(site.run(executor, task))
            await until(lambda: site.sink.bytes_of(task.key))
            second = asyncio.create_task(site.run(executor, task))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait([first])
            (tmp_path / "gate").write_text("\n")
            assert (await second).outcome is TaskOutcome.COMPLETE

    async def test_a_kill_ends_the_task(self, site: Site) -> None:
        task = a_script("sleep 1000 & echo up; sleep 1000")
        async with site.executor() as executor:
            run = asyncio.create_task(site.run(executor, task))
            await until(lambda: site.sink.bytes_of(task.key))
            await executor.kill(task.key, LONG)
            ended = await run
            assert ended.outcome is TaskOutcome.CANCELLED
            assert (await site.run(executor, task)).outcome is TaskOutcome.CANCELLED

    async def test_who_does_not_listen_is_killed_after_the_grace(self, site: Site) -> None:
        task = a_script("trap '' TERM; echo up; while :; do sleep 0.1; done")
        async with site.executor() as executor:
            run = asyncio.create_task(site.run(executor, task))
            await until(lambda: site.sink.bytes_of(task.key))
            await executor.kill(task.key, timedelta(milliseconds=100))
            assert (await run).outcome is TaskOutcome.CANCELLED

    async def test_a_key_killed_before_its_start_never_starts(self, site: Site) -> None:
        task = a_script("echo >>started")
        async with site.executor() as executor:
            await executor.kill(task.key, NO_TIME)
            assert (await site.run(executor, task)).outcome is TaskOutcome.CANCELLED
        assert not (site.workspace / "started").exists()

    async def test_a_kill_after_the_end_changes_nothing(self, site: Site) -> None:
        task = a_script("exit 4")
        async with site.executor() as executor:
            await site.run(executor, task)
            await executor.kill(task.key, NO_TIME)
            assert (await site.run(executor, task)).exit_code == 4

    async def test_a_timeout_ends_the_task(self, site: Site) -> None:
        task = a_script("echo up; sleep 1000", timeout=timedelta(milliseconds=200), grace=NO_TIME)
        async with site.executor() as executor:
            ended = await site.run(executor, task)
        assert ended.outcome is TaskOutcome.TIMEOUT
        assert ended.failure is not None
        assert (ended.failure.reason, "0.2 s" in ended.failure.message) == (Reason.TIMEOUT, True)
        assert site.sink.bytes_of(task.key) == b"up\n"

    async def test_too_much_output_ends_the_task(self, site: Site) -> None:
        task = a_script("while :; do echo 0123456789; done", log_limit=10_000, grace=NO_TIME)
        async with site.executor() as executor:
            ended = await site.run(executor, task)
        assert ended.outcome is TaskOutcome.FAILED
        assert ended.failure is not None
        assert ended.failure.reason is Reason.LOG_LIMIT

    async def test_the_environment_is_the_tasks(self, site: Site) -> None:
        env = {"WORDS": 'it\'s "two"\n$HOME `id`', "EMPTY": ""}
        task = a_script('printf "%s|%s" "$WORDS" "${EMPTY-unset}"', env=env)
        async with site.executor() as executor:
            await site.run(executor, task)
        assert site.sink.bytes_of(task.key).decode() == env["WORDS"] + "|"

    async def test_a_task_works_in_its_directory_of_the_workspace(self, site: Site) -> None:
        (site.workspace / "sub dir").mkdir()
        task = a_script('pwd; cat "$WFE_DATA"; test "$PWD" = "$WFE_WORKSPACE/sub dir"', working_dir="sub dir")
        async with site.executor() as executor:
            assert (await site.run(executor, task)).exit_code == 0
        assert site.sink.bytes_of(task.key).endswith(b"/sub dir\n{}")

    async def test_a_directory_that_is_not_there_fails_the_task_and_is_named(self, site: Site) -> None:
        task = a_script("echo never", working_dir="nowhere")
        async with site.executor() as executor:
            ended = await site.run(executor, task)
        assert ended.outcome is TaskOutcome.FAILED
        assert b"nowhere" in site.sink.bytes_of(task.key, Stream.STDERR)

    @pytest.mark.parametrize("env", [{"not-a-name": "x"}, {"NUL": "\0"}], ids=["name", "value"])
    async def test_what_no_process_can_have_fails_the_task(self, site: Site, env: dict[str, str]) -> None:
        async with site.executor() as executor:
            ended = await site.run(executor, a_script("true", env=env))
        assert ended.failure is not None
        assert ended.failure.reason is Reason.CONFIG_INVALID


class ExecutorOutputsContract:
    """What a task gives back."""

    @pytest.mark.parametrize(
        ("script", "outputs"),
        [
            pytest.param("true", {}, id="none"),
            pytest.param('mkfifo "$WFE_OUTPUT"', {}, id="a-pipe-with-nobody-behind"),
            pytest.param('echo a=1 >>"$WFE_OUTPUT"', {"a": 1}, id="file"),
            pytest.param('echo "{\\"a\\": [1]}" >"$WFE_OUTPUT"', {"a": [1]}, id="json-file"),
            pytest.param(
                "echo '##wfe[output a=x]'; echo '##wfe[output b=true]'", {"a": "x", "b": True}, id="markers"
            ),
            pytest.param(
                "echo ' ##wfe[output a=x]'; printf 'no ##wfe[output b=1]\\n'", {}, id="not-at-the-start"
            ),
            pytest.param("printf '##wfe[output a=x]'", {"a": "x"}, id="no-newline-at-the-end"),
            pytest.param("echo '##wfe[output a=1]'; echo a=2 >\"$WFE_OUTPUT\"", {"a": 2}, id="the-file-wins"),
            pytest.param("echo '##wfe[output a=1]' >&2", {}, id="stderr-does-not-count"),
        ],
    )
    async def test_outputs(self, site: Site, script: str, outputs: dict[str, Any]) -> None:
        async with site.executor() as executor:
            ended = await site.run(executor, a_script(script))
        assert (ended.outcome, ended.outputs) == (TaskOutcome.COMPLETE, outputs)

    async def test_a_task_that_failed_gives_nothing(self, site: Site) -> None:
        async with site.executor() as executor:
            ended = await site.run(executor, a_script('echo a=1 >"$WFE_OUTPUT"; exit 1'))
        assert ended.outputs == {}

    async def test_untrusted_output_gives_nothing(self, site: Site) -> None:
        async with site.executor() as executor:
            ended = await site.run(executor, a_script("echo '##wfe[output a=1]'", stdout_outputs=False))
        assert (ended.outcome, ended.outputs) == (TaskOutcome.COMPLETE, {})

    async def test_json_outputs_keep_their_types_and_markers_do_not_count(self, site: Site) -> None:
        script = 'echo "##wfe[output b=1]"; printf \'{"a": "1"}\' >"$WFE_OUTPUT"'
        async with site.executor() as executor:
            ended = await site.run(executor, a_script(script, output_format=OutputFormat.JSON))
        assert (ended.outcome, ended.outputs) == (TaskOutcome.COMPLETE, {"a": "1"})

    @pytest.mark.parametrize(
        "script",
        [
            pytest.param('echo nonsense >"$WFE_OUTPUT"', id="not-an-output"),
            pytest.param(
                '{ printf a=; head -c 70000 /dev/zero | tr "\\0" x; } >"$WFE_OUTPUT"', id="value-too-large"
            ),
            pytest.param(
                "printf '##wfe[output a='; head -c 70000 /dev/zero | tr '\\0' x; echo ']'",
                id="marker-too-large",
            ),
            pytest.param('head -c 9000000 /dev/zero >"$WFE_OUTPUT"', id="file-too-large"),
            pytest.param('mkdir "$WFE_OUTPUT"', id="a-directory"),
        ],
    )
    async def test_outputs_that_cannot_be_taken_fail_the_task(self, site: Site, script: str) -> None:
        async with site.executor() as executor:
            ended = await site.run(executor, a_script(script))
        assert ended.outcome is TaskOutcome.FAILED
        assert ended.failure is not None
        assert ended.failure.reason is Reason.OUTPUTS_INVALID
        assert ended.outputs == {}
