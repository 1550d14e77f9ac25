"""Tasks as processes of this machine.

The engine may be killed at any moment: steps write to files, their watchers write how they ended, and the
next engine on the same state directory finds both. What this module does while a step runs is wait for its
end and hand its output on; nothing here is needed for the step to go on.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Final

from wfe.errors import Permanent
from wfe.executors.local.directory import StateDirectory, base_environment, forget_private
from wfe.executors.local.link import Starter
from wfe.executors.local.secrets import find_secret
from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.json import Data
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.ports.logs import LogSink, Segment, Stream
from wfe.supervisor import protocol
from wfe.supervisor.answers import End
from wfe.supervisor.launch import reopens_streams
from wfe.supervisor.layout import CLAIM, OUTPUT, UNMASKED, attempt_directory, attempts, instance_directory
from wfe.supervisor.link import Link
from wfe.supervisor.masking import MaskedStream, Masker, outputs_without_secrets
from wfe.supervisor.outcome import outcome_of, refused
from wfe.supervisor.outputs import READ_LIMIT, MarkerLines
from wfe.supervisor.shared import Shared
from wfe.supervisor.tail import Tail
from wfe.supervisor.times import NotedTimes

_SHELL: Final = "/bin/sh"
_LOOK_EVERY_SECONDS: Final = 0.1
_CHUNKS_A_LOOK: Final = 64


class OutputsUnreadable(Permanent):
    """WFE_OUTPUT is not a file any more."""


class LocalExecutor:
    """Runs process tasks under a supervisor; keeps the promise of `ports.executor.Executor`."""

    def __init__(  # noqa: PLR0913  # most have defaults
        self,
        state_dir: Path,
        workspace: Path,
        sink: LogSink,
        *,
        inherit: Sequence[str] = (),
        secrets: Mapping[str, str] | None = None,
        lost_after: timedelta = timedelta(),
        now: Callable[[], datetime],
    ) -> None:
        self._state = StateDirectory(state_dir)
        self._workspace = workspace.absolute()
        self._sink = sink
        self._env = base_environment(os.environ, inherit)
        self._secrets = secrets or {}
        self._masker = Masker(self._secrets.values())
        self._lost_after = lost_after
        self._now = now
        command = [_SHELL, str(self._state.supervisor), "serve", ".", self._state.incarnation, "0"]
        path = {"PATH": os.environ.get("PATH", os.defpath)}
        self._link = Link(Starter(command, self._state.root, path, now).connect)
        self._running: Shared[TaskEnded] = Shared()

    @property
    def incarnation(self) -> str:
        """This boot of this machine with this state directory."""
        return self._state.incarnation

    @property
    def admits(self) -> bool:
        """No: this machine is the place of every attempt."""
        return False

    def place(self, instance: Instance | None) -> str:  # noqa: ARG002  # there is one place
        """Return the incarnation."""
        return self.incarnation

    def takes(self, task: ProcessTask, incarnation: str) -> bool:  # noqa: ARG002  # pods are noted and ignored here
        """Tell whether it is ours."""
        return incarnation == self.incarnation

    async def admit(self, task: ProcessTask, instance: Instance) -> str:  # noqa: ARG002  # there is always room
        """Return the incarnation."""
        return self.incarnation

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        """Room for it is cheap here."""

    async def run(self, task: ProcessTask, incarnation: str) -> TaskEnded:
        """Start the task or find it, wait for its end, and tell how it ended.

        One that belongs to another place is Lost, after the time that whoever is there has to tell how it ended.
        """
        if incarnation != self.incarnation:
            # Its claim is out of reach: whether it started, and how it ended, nobody here can know.
            if not self._state.was(incarnation):
                await asyncio.sleep(self._lost_after.total_seconds())
            return TaskEnded(path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.LOST)
        return await self._running.join(task.key.token, lambda: self._run(task))

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """End the task's group, or claim its key as cancelled."""
        name = attempt_directory(key)
        await self._link.kill(name, protocol.kill(name, grace))

    def started(self, instance: str) -> frozenset[AttemptKey]:
        """Return the attempts of an instance that were started in this place."""
        return frozenset(key for key, path in attempts(self._state.root, instance) if (path / CLAIM).exists())

    async def forget(self, instance: str) -> None:
        """Remove all that an ended instance left here: its logs, scripts, data and claims."""
        await asyncio.to_thread(rmtree, self._state.root / instance_directory(instance), ignore_errors=True)

    async def close(self, grace: timedelta) -> None:  # noqa: ARG002  # nothing here lives in this process
        """Detach; what runs goes on."""
        await self._running.close()
        await self._link.close()

    async def _run(self, task: ProcessTask) -> TaskEnded:
        name = attempt_directory(task.key)
        try:
            command = self._start_command(name, task)
            private = {
                variable: value if isinstance(value, str) else find_secret(self._secrets, *value)
                for variable, value in task.private_files.items()
            }
            self._state.prepare(task, self._workspace, self._env, private)
            if self._masker:
                (self._state.root / name / UNMASKED).touch()
        except Permanent as error:
            return refused(task, Reason.CONFIG_INVALID, str(error))
        directory = self._state.root / name
        tails = [
            Tail(directory, task.key, stream, NotedTimes(directory, stream, self._now)) for stream in Stream
        ]
        delivery = _Delivery(self._sink, self._masker)
        try:
            end = await self._follow(await self._link.start(name, command), tails, delivery)
        finally:
            self._link.forget(name)
            for tail in tails:
                tail.close()

        def outputs() -> Data:
            file = _first_bytes(directory / OUTPUT)
            return outputs_without_secrets(task, self._masker, markers=delivery.markers.found, file=file)

        ended = outcome_of(task, end, outputs=outputs, time_of=self._time_of)
        forget_private(directory)
        if self._masker:
            await asyncio.to_thread(self._mask_files, directory)
        return ended

    def _time_of(self, centiseconds: int) -> datetime:
        return self._link.time_of(centiseconds, otherwise=self._now())

    def _start_command(self, name: str, task: ProcessTask) -> bytes:
        return protocol.start(
            name,
            self.incarnation,
            timeout=task.timeout,
            grace=task.grace,
            log_limit=task.log_limit,
            pipes=reopens_streams(task),
            secrets={
                variable: find_secret(self._secrets, *where) for variable, where in task.secrets.items()
            },
        )

    async def _follow(self, ended: asyncio.Future[End], tails: Sequence[Tail], delivery: "_Delivery") -> End:
        while not ended.done():
            await asyncio.wait([ended], timeout=_LOOK_EVERY_SECONDS)
            for tail in tails:
                await self._deliver(tail, delivery, chunks=_CHUNKS_A_LOOK)
        for tail in tails:
            await self._deliver(tail, delivery)
            await delivery.hand_on(tail.finish())
        await delivery.finish()
        return ended.result()

    async def _deliver(self, tail: Tail, delivery: "_Delivery", *, chunks: int | None = None) -> None:
        while tail.has_more() and chunks != 0:
            await delivery.hand_on(tail.read())
            # A step that writes without end must not keep the others waiting.
            await asyncio.sleep(0)
            chunks = None if chunks is None else chunks - 1

    def _mask_files(self, directory: Path) -> None:
        for name in (*Stream, OUTPUT):
            self._masker.mask_file(directory / name)
        (directory / UNMASKED).unlink(missing_ok=True)


class _Delivery:
    """What happens to the output of one attempt: outputs are seen in it, secrets masked, the sink gets it."""

    def __init__(self, sink: LogSink, masker: Masker) -> None:
        self.markers = MarkerLines()
        self._sink = sink
        self._masked = {stream: MaskedStream(masker) for stream in Stream}

    async def hand_on(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            if segment.stream is Stream.STDOUT:
                self.markers.see(segment.data)
            for masked in self._masked[segment.stream].take(segment):
                await self._sink.write(masked)

    async def finish(self) -> None:
        for stream in self._masked.values():
            for segment in stream.finish():
                await self._sink.write(segment)


def _first_bytes(path: Path) -> bytes:
    """Read what the step left there, which may be no file at all, and must not make us wait."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            return file.read(READ_LIMIT) or b""
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise OutputsUnreadable(f"the output file cannot be read: {error.strerror}") from error
